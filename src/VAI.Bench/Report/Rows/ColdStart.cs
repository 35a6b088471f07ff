using System.Diagnostics;

namespace VAI.Bench.Report;

/// <summary>A daemon from the start of its process to its first answer, with the ROMs burned.</summary>
internal static class ColdStart
{
    public static async Task<ColdStartFigures> MeasureAsync(
        ReportOptions options, PeerVocabulary vocabulary, int rounds, CancellationToken cancellation)
    {
        var healthy = new List<double>();
        var first = new List<double>();
        for (int round = 0; round < rounds; round++)
        {
            await using ServeProcess serve = await ServeProcess.StartAsync(options, cancellation).ConfigureAwait(false);
            healthy.Add(serve.HealthMs);
            using Peer daemon = await Peer.ConnectAsync(serve.Socket, "VAI", [options.First.Name], cancellation).ConfigureAwait(false);
            double asked = Stopwatch.GetElapsedTime(serve.Started).TotalMilliseconds;
            PeerAnswer answer = await daemon.AskAsync(
                options.First.Name, vocabulary.Prompt(round, SwitchBenchmarkOptions.DefaultTokensPerResponse), 2, vocabulary.Ends, cancellation).ConfigureAwait(false);
            first.Add(asked + answer.First.TotalMilliseconds);
        }

        return new ColdStartFigures(Figure.Of(healthy), Figure.Of(first));
    }
}
