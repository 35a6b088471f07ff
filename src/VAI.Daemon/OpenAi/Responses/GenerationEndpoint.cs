using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using VAI.Daemon.OpenAi.Requests;
using VAI.Daemon.Streaming;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary><c>/v1/chat/completions</c> and <c>/v1/completions</c>.</summary>
internal sealed class GenerationEndpoint(IVai vai, OpenAiOptions options)
{
    /// <summary>Says what was done to a conversation so that its model's template takes it.</summary>
    private const string Repairs = "x-vai-repairs";

    public async Task ChatAsync(HttpContext http, CancellationToken cancellationToken)
    {
        ChatRequest request = await ReadAsync(http, ChatRequest.Read).ConfigureAwait(false);
        (IModelContext model, Generation generation) = request.Generation.Select(vai, options);
        ChatPrompt prompt = await model.RenderChatAsync(request.Turns, request.Rendering, cancellationToken).ConfigureAwait(false);

        // What an answer must be holds behind the thoughts, and only what is told from it can be counted.
        if (!request.Apart && request.Tools.Tools.Count == 0 && generation.Options is { Constraint: null, ReasoningBudget: null })
            prompt = prompt.WithoutReasoning();
        generation = generation with { Options = generation.Options with { Constraint = request.Tools.For(prompt, generation.Options.Constraint) } };
        if (prompt.Repairs.Count > 0 && !http.Response.HasStarted)
            http.Response.Headers[Repairs] = string.Join("; ", prompt.Repairs);
        await options.Settling.WaitAsync(model, prompt, cancellationToken).ConfigureAwait(false);
        await AnswerAsync(http, model, [new Prompt(null, null, prompt, Joined: !request.Apart)], generation, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task CompleteAsync(HttpContext http, CancellationToken cancellationToken)
    {
        CompletionRequest request = await ReadAsync(http, CompletionRequest.Read).ConfigureAwait(false);
        (IModelContext model, Generation generation) = request.Generation.Select(vai, options);
        foreach (Prompt prompt in request.Prompts)
        {
            if (prompt.Tokens is { } tokens && tokens.Any(t => t >= model.Info.VocabularySize))
                throw ApiError.Invalid("prompt", $"'prompt' holds a token that '{model.Name}' has not: ids are 0 to {model.Info.VocabularySize - 1}.");
        }

        await AnswerAsync(http, model, request.Prompts, generation, chat: null, cancellationToken).ConfigureAwait(false);
    }

    private Task<T> ReadAsync<T>(HttpContext http, Func<JsonElement, IgnoredFields, OpenAiOptions, T> read) =>
        RequestBody.ReadAsync(http, options, (root, ignored) => read(root, ignored, options));

    private async Task AnswerAsync(
        HttpContext http, IModelContext model, IReadOnlyList<Prompt> prompts, Generation generation, ChatRequest? chat, CancellationToken cancellationToken)
    {
        var document = new AnswerDocument(chat is not null, model);
        if (!http.Response.HasStarted)
            http.Response.Headers["x-request-id"] = document.Id;
        Action<string, IReadOnlyList<int>>? ended = chat is null ? null : (said, held) => options.Settling.Begin(model, chat, said, held);
        IAsyncEnumerable<AnswerUpdate> updates = Answers.RunAsync(model, prompts, generation, ended, cancellationToken);
        int answers = prompts.Count * generation.Choices;
        if (generation.Stream)
            await StreamAsync(http, document, updates, generation, answers, chat is not null).ConfigureAwait(false);
        else
            await CollectAsync(http, document, updates, generation, answers).ConfigureAwait(false);
    }

    private async Task CollectAsync(
        HttpContext http, AnswerDocument document, IAsyncEnumerable<AnswerUpdate> updates, Generation generation, int answers)
    {
        var texts = new StringBuilder[answers];
        var thoughts = new StringBuilder[answers];
        var calls = new AnswerCalls(generation, answers);
        var finishes = new FinishReason[answers];
        var probabilities = new AnswerProbabilities?[answers];
        var usage = new Usage();
        await foreach ((int choice, InferenceUpdate update) in updates.ConfigureAwait(false))
        {
            if (update.Kind == InferenceUpdateKind.ToolCalls)
                calls.Collect(choice, update.Text);
            else if (update.Text.Length > 0)
                ((update.Kind == InferenceUpdateKind.Reasoning ? thoughts : texts)[choice] ??= new StringBuilder()).Append(update.Text);
            AnswerProbabilities.Add(ref probabilities[choice], update);
            if (update.Result is not { } result)
                continue;
            finishes[choice] = result.FinishReason;
            usage.Add(result, choice % generation.Choices == 0);
        }

        await Sending.JsonAsync(
            http, options.SlowReaderTimeout,
            w => document.Write(
                w, [.. Enumerable.Range(0, answers).Select(i => new Answer($"{texts[i]}", $"{thoughts[i]}", calls.Of(i), finishes[i], probabilities[i]))], usage)).ConfigureAwait(false);
    }

    private async Task StreamAsync(
        HttpContext http, AnswerDocument document, IAsyncEnumerable<AnswerUpdate> updates, Generation generation, int answers, bool chat)
    {
        using var stream = new EventStream(http, options.SlowReaderTimeout);
        var usage = new Usage();
        var probabilities = new AnswerProbabilities?[answers];
        bool open = false;
        var calls = new AnswerCalls(generation, answers);
        IAsyncEnumerator<AnswerUpdate> reader = updates.GetAsyncEnumerator(CancellationToken.None);
        await using (reader.ConfigureAwait(false))
        {
            while (open
                ? await reader.MoveNextAsync().ConfigureAwait(false)
                : await StreamPatience.Of(http).WhileAsync(reader.MoveNextAsync().AsTask()).ConfigureAwait(false))
            {
                (int choice, InferenceUpdate update) = reader.Current;
                AnswerProbabilities.Add(ref probabilities[choice], update);
                if (!open)
                    Open(stream, document, generation, chat ? answers : 0);
                open = true;
                if (update.Kind == InferenceUpdateKind.ToolCalls)
                {
                    // What ends a call has nothing that was not said yet, where its last piece was.
                    foreach (ToolCallUpdate call in calls.Read(choice, update.Text).Where(c => c.Name is not null || c.Arguments.Length > 0))
                    {
                        document.WriteCall(stream.Begin(), choice, call, generation.IncludeUsage);
                        stream.End();
                    }
                }
                else if (update.Text.Length > 0 && probabilities[choice] is null)
                {
                    stream.Text(document.Frame(choice, generation.IncludeUsage, update.Kind), update.Text);
                }
                else if (update.Text.Length > 0)
                {
                    document.WriteChunk(stream.Begin(), choice, update.Text, null, generation.IncludeUsage, probabilities[choice], update.Kind);
                    stream.End();
                }

                if (update.Result is { } result)
                {
                    usage.Add(result, choice % generation.Choices == 0);
                    document.WriteChunk(
                        stream.Begin(), choice, "", result.FinishReason, generation.IncludeUsage, probabilities[choice], called: calls.Called(choice));
                    stream.End();
                }

                await stream.FlushAsync().ConfigureAwait(false);
            }
        }

        if (generation.IncludeUsage)
        {
            document.WriteUsage(stream.Begin(), usage);
            stream.End();
        }

        stream.Done();
        await stream.FlushAsync().ConfigureAwait(false);
    }

    private static void Open(EventStream stream, AnswerDocument document, Generation generation, int roles)
    {
        stream.Start();
        for (int choice = 0; choice < roles; choice++)
        {
            document.WriteRole(stream.Begin(), choice, generation.IncludeUsage);
            stream.End();
        }
    }
}
