using System.Diagnostics;
using VAI.Remote;

namespace VAI.Daemon.FaultTests;

/// <summary>One transaction of a client's, and when its updates came.</summary>
internal sealed class StreamRun(string model, uint seed, int tokens)
{
    // Token 2 ends a sequence in the vocabularies used here.
    public static readonly Dictionary<int, float> NoEnd = new() { [2] = -100 };

    public string Model => model;

    public List<int> Tokens { get; } = [];

    public List<long> Times { get; } = [];

    public InferenceResult? Result { get; private set; }

    public string Text { get; private set; } = "";

    /// <summary>Reads all to their ends, and kills a process behind so many of their updates.</summary>
    /// <returns>When it was killed.</returns>
    public static async Task<long> RunAsync(IReadOnlyList<StreamRun> runs, RemoteVai vai, Process victim, int left)
    {
        long killed = 0;
        await Task.WhenAll(runs.Select(s => s.RunAsync(vai, () =>
        {
            if (Interlocked.Decrement(ref left) != 0)
                return;
            killed = Stopwatch.GetTimestamp();
            victim.Kill();
        })));
        return killed;
    }

    /// <summary>Reads it to its end.</summary>
    public async Task RunAsync(RemoteVai vai, Action? each = null)
    {
        await using IInferenceSession session = vai.Select(model).OpenSession();
        var options = new InferenceOptions { MaxTokens = tokens, Seed = seed, Temperature = 0.9f, LogitBias = NoEnd };
        await foreach (InferenceUpdate update in session.InferAsync($"The {seed}th stream of {model} asks for a story about an adder and", options))
        {
            Times.Add(Stopwatch.GetTimestamp());
            Text += update.Text;
            if (update.Result is not null)
                Result = update.Result;
            else
                Tokens.Add(update.TokenId);
            each?.Invoke();
        }

        Assert.NotNull(Result);
    }

    /// <summary>
    /// From that instant to the first update that cannot have come out of a buffer, as it came later than any of those does; null if
    /// there is none.
    /// </summary>
    public double? GapMs(long since)
    {
        const double Buffered = 20;
        return Times.Where(t => t > since).Select(t => (double?)Stopwatch.GetElapsedTime(since, t).TotalMilliseconds).FirstOrDefault(g => g > Buffered);
    }

    /// <summary>The longest that its reader waited after that instant, for whatever reason; null if it had ended.</summary>
    public double? PauseMs(long since)
    {
        double? longest = null;
        foreach (long time in Times.Where(t => t > since))
        {
            longest = Math.Max(longest ?? 0, Stopwatch.GetElapsedTime(since, time).TotalMilliseconds);
            since = time;
        }

        return longest;
    }

    /// <summary>Tokens that had come by that instant.</summary>
    public int TokensBefore(long instant) => Math.Min(Tokens.Count, Times.Count(t => t <= instant));

    public static void Same(StreamRun expected, StreamRun actual)
    {
        Assert.Equal(expected.Tokens, actual.Tokens);
        Assert.Equal(expected.Text, actual.Text);
        Assert.Equal(expected.Result!.FinishReason, actual.Result!.FinishReason);
        Assert.Equal(expected.Result.GeneratedTokens, actual.Result.GeneratedTokens);
    }
}
