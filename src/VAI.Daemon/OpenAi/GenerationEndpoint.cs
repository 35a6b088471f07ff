using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.OpenAi;

/// <summary><c>/v1/chat/completions</c> and <c>/v1/completions</c>.</summary>
internal sealed class GenerationEndpoint(IVai vai, OpenAiOptions options)
{
    public async Task ChatAsync(HttpContext http)
    {
        ChatRequest request = await ReadAsync(http, ChatRequest.Read).ConfigureAwait(false);
        IModelContext model = request.Generation.Select(vai);
        string prompt = await model.RenderChatAsync(request.Turns, cancellationToken: http.RequestAborted).ConfigureAwait(false);
        await AnswerAsync(http, model, [new Prompt(prompt, null)], request.Generation, chat: true).ConfigureAwait(false);
    }

    public async Task CompleteAsync(HttpContext http)
    {
        CompletionRequest request = await ReadAsync(http, CompletionRequest.Read).ConfigureAwait(false);
        IModelContext model = request.Generation.Select(vai);
        foreach (Prompt prompt in request.Prompts)
        {
            if (prompt.Tokens is { } tokens && tokens.Any(t => t >= model.Info.VocabularySize))
                throw ApiError.Invalid("prompt", $"'prompt' holds a token that '{model.Name}' has not: ids are 0 to {model.Info.VocabularySize - 1}.");
        }

        await AnswerAsync(http, model, request.Prompts, request.Generation, chat: false).ConfigureAwait(false);
    }

    private Task<T> ReadAsync<T>(HttpContext http, Func<JsonElement, OpenAiOptions, T> read) =>
        RequestBody.ReadAsync(http, options.MaxRequestBytes, root => read(root, options));

    private async Task AnswerAsync(HttpContext http, IModelContext model, IReadOnlyList<Prompt> prompts, Generation generation, bool chat)
    {
        var document = new AnswerDocument(chat, model.Name);
        http.Response.Headers["x-request-id"] = document.Id;
        IAsyncEnumerable<AnswerUpdate> updates = Answers.RunAsync(model, prompts, generation, http.RequestAborted);
        int answers = prompts.Count * generation.Choices;
        if (generation.Stream)
            await StreamAsync(http, document, updates, generation, answers, chat).ConfigureAwait(false);
        else
            await CollectAsync(http, document, updates, generation, answers).ConfigureAwait(false);
    }

    private async Task CollectAsync(
        HttpContext http, AnswerDocument document, IAsyncEnumerable<AnswerUpdate> updates, Generation generation, int answers)
    {
        var texts = new StringBuilder[answers];
        var finishes = new FinishReason[answers];
        var probabilities = new AnswerProbabilities?[answers];
        var usage = new Usage();
        await foreach ((int choice, InferenceUpdate update) in updates.ConfigureAwait(false))
        {
            (texts[choice] ??= new StringBuilder()).Append(update.Text);
            AnswerProbabilities.Add(ref probabilities[choice], update);
            if (update.Result is not { } result)
                continue;
            finishes[choice] = result.FinishReason;
            usage.Add(result, choice % generation.Choices == 0);
        }

        await Sending.JsonAsync(
            http, options.SlowReaderTimeout,
            w => document.Write(w, [.. texts.Zip(finishes, probabilities).Select(a => (a.First.ToString(), a.Second, a.Third))], usage)).ConfigureAwait(false);
    }

    private async Task StreamAsync(
        HttpContext http, AnswerDocument document, IAsyncEnumerable<AnswerUpdate> updates, Generation generation, int answers, bool chat)
    {
        using var stream = new EventStream(http, options.SlowReaderTimeout);
        try
        {
            var usage = new Usage();
            var probabilities = new AnswerProbabilities?[answers];
            await foreach ((int choice, InferenceUpdate update) in updates.ConfigureAwait(false))
            {
                AnswerProbabilities.Add(ref probabilities[choice], update);
                if (!stream.Started)
                    Open(stream, document, generation, chat ? answers : 0);
                if (update.Text.Length > 0)
                {
                    document.WriteChunk(stream.Begin(), choice, update.Text, null, generation.IncludeUsage, probabilities[choice]);
                    stream.End();
                }

                if (update.Result is { } result)
                {
                    usage.Add(result, choice % generation.Choices == 0);
                    document.WriteChunk(stream.Begin(), choice, "", result.FinishReason, generation.IncludeUsage, probabilities[choice]);
                    stream.End();
                }

                await stream.FlushAsync().ConfigureAwait(false);
            }

            if (generation.IncludeUsage)
            {
                document.WriteUsage(stream.Begin(), usage);
                stream.End();
            }

            stream.Done();
            await stream.FlushAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (stream.Started && e is not OperationCanceledException)
        {
            var error = ApiError.From(e);
            OpenAiApi.Failed(http, error);
            stream.Error(error);
            await stream.FlushAsync().ConfigureAwait(false);
        }
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
