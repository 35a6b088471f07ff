using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>An update of one of a request's answers.</summary>
internal readonly record struct AnswerUpdate(int Choice, InferenceUpdate Update);

/// <summary>Generates the answers of a request side by side, each in a session of its own that ends with it.</summary>
internal static class Answers
{
    // Each session waits at its own bound; this one is only the merge.
    private const int Buffered = 64;

    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="generation">How many answers to each, and how. Answers are numbered through.</param>
    /// <param name="ended">
    /// Told of what was answered, and of the session's tokens, where there is one answer alone: before its reader hears of the end, and may ask on.
    /// Null for nobody.
    /// </param>
    /// <param name="cancellationToken">Ends all of them at their next step.</param>
    /// <returns>The updates of all answers as they come. The first error ends them all.</returns>
    public static IAsyncEnumerable<AnswerUpdate> RunAsync(
        IModelContext model, IReadOnlyList<Prompt> prompts, Generation generation, Action<string, IReadOnlyList<int>>? ended, CancellationToken cancellationToken) =>
        prompts.Count * generation.Choices == 1
            ? OneAsync(model, prompts[0], generation.Options, 0, ended, cancellationToken)
            : ManyAsync(model, prompts, generation, cancellationToken);

    private static async IAsyncEnumerable<AnswerUpdate> OneAsync(
        IModelContext model, Prompt prompt, InferenceOptions options, int choice, Action<string, IReadOnlyList<int>>? ended,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        StringBuilder? said = ended is null ? null : new StringBuilder();
        AnswerUpdate? last = null;
        bool called = false;
        JoinedThoughts? joined = JoinedThoughts.For(prompt);
        IInferenceSession session = model.OpenSession();
        await using (session.ConfigureAwait(false))
        {
            IAsyncEnumerable<InferenceUpdate> updates = prompt.Chat is { } chat ? session.InferAsync(chat, options, cancellationToken)
                : prompt.Text is { } text ? session.InferAsync(text, options, cancellationToken)
                : session.InferAsync(prompt.Tokens, options, cancellationToken);
            await foreach (InferenceUpdate given in updates.ConfigureAwait(false))
            {
                if (joined?.Before(given) is { } mark)
                {
                    said?.Append(mark.Text);
                    yield return new AnswerUpdate(choice, mark);
                }

                InferenceUpdate update = joined?.Of(given) ?? given;
                if (update.Kind == InferenceUpdateKind.Answer)
                    said?.Append(update.Text);
                called |= update.Kind == InferenceUpdateKind.ToolCalls;
                if (update.Result is null)
                    yield return new AnswerUpdate(choice, update);
                else
                    last = new AnswerUpdate(choice, update);
            }

            // What calls tools goes on with their results.
            if (!called)
                ended?.Invoke(said!.ToString(), session.Tokens);
        }

        if (last is { } end)
            yield return end;
    }

    private static async IAsyncEnumerable<AnswerUpdate> ManyAsync(
        IModelContext model, IReadOnlyList<Prompt> prompts, Generation generation, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var merged = Channel.CreateBounded<AnswerUpdate>(new BoundedChannelOptions(Buffered) { SingleReader = true });

        // Answers to one prompt differ by their seeds, which follow from the first.
        uint seed = generation.Options.Seed ?? (uint)Random.Shared.Next();
        var all = Task.WhenAll(Enumerable.Range(0, prompts.Count * generation.Choices).Select(choice =>
        {
            InferenceOptions options = generation.Options with { Seed = unchecked(seed + (uint)(choice % generation.Choices)) };
            return PumpAsync(OneAsync(model, prompts[choice / generation.Choices], options, choice, null, stop.Token), merged.Writer, stop);
        }));
        Task completed = CompleteAsync(all, merged.Writer);
        try
        {
            await foreach (AnswerUpdate update in merged.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return update;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await completed.ConfigureAwait(false);
        }
    }

    // Its error goes through the channel, and nowhere else.
    private static async Task PumpAsync(IAsyncEnumerable<AnswerUpdate> updates, ChannelWriter<AnswerUpdate> writer, CancellationTokenSource stop)
    {
        try
        {
            await foreach (AnswerUpdate update in updates.ConfigureAwait(false))
                await writer.WriteAsync(update, stop.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031
        catch (Exception e)
#pragma warning restore CA1031
        {
            writer.TryComplete(e);
            await stop.CancelAsync().ConfigureAwait(false);
        }
    }

    private static async Task CompleteAsync(Task all, ChannelWriter<AnswerUpdate> writer)
    {
        await all.ConfigureAwait(false);
        writer.TryComplete();
    }
}
