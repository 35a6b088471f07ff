using System.Globalization;

namespace VAI.Bench.Report;

/// <summary>What one program's processes said of holding the first model, started one by one, in turn with the others'.</summary>
/// <param name="Name"><c>VAI</c>, or the peer's.</param>
/// <param name="LoadMs">From nothing to a model that can be asked; VAI's from its ROM.</param>
/// <param name="StartMs">From the start of the process to its first token.</param>
/// <param name="FirstMs">First token of a later request, of 16 tokens.</param>
/// <param name="TokensPerSecond">Of such requests, after the first token.</param>
/// <param name="PrivateBytes">Memory that is no file's, after them.</param>
internal sealed record ProgramFigures(string Name, Figure LoadMs, Figure StartMs, Figure FirstMs, Figure TokensPerSecond, Figure PrivateBytes);

/// <summary>A daemon with both models, from the start of its process.</summary>
/// <param name="HealthMs">To <c>/health</c> saying that it is ready.</param>
/// <param name="FirstMs">To the first token of a request that was sent then.</param>
internal sealed record ColdStartFigures(Figure HealthMs, Figure FirstMs);

/// <summary>Tokens a second of one stream with so many busy threads beside it; medians.</summary>
/// <param name="Beside">Busy threads.</param>
/// <param name="TokensPerSecond">VAI's, as it comes.</param>
/// <param name="Ratio">That over what the best fixed number of threads gives, in pairs.</param>
/// <param name="FixedTps">With a fixed number, by number.</param>
/// <param name="PeerTps">The peers', by name.</param>
internal sealed record BusyFigures(
    int Beside, double TokensPerSecond, double Ratio, IReadOnlyDictionary<string, double> FixedTps, IReadOnlyDictionary<string, double> PeerTps)
{
    public static BusyFigures Of(BusyRow row) => new(
        row.Beside,
        Math.Round(row.TokensPerSecond, 1),
        Math.Round(row.Ratio, 3),
        row.Fixed.ToDictionary(f => f.Key.ToString(CultureInfo.InvariantCulture), f => Math.Round(f.Value, 1)),
        row.Others.ToDictionary(o => o.Key, o => Math.Round(o.Value, 1)));
}

/// <summary>Two and four processes on one ROM, a stream each, against one process.</summary>
/// <param name="OneTps">Tokens a second of one process with one stream.</param>
/// <param name="StreamsTps">Of one process with two streams, whose steps are shared.</param>
/// <param name="LanesTps">Of one process with two streams of a lane each, whose steps take turns.</param>
/// <param name="TotalTps">Of two processes together.</param>
/// <param name="FourTps">Of four.</param>
/// <param name="TotalRatio">Two processes over one stream, in pairs.</param>
/// <param name="StreamsRatio">Over two streams that share steps.</param>
/// <param name="LanesRatio">Over two streams that take turns.</param>
/// <param name="LeastShare">The smaller part of the total.</param>
/// <param name="FourRatio">Four processes over two streams that take turns.</param>
/// <param name="FourLeastShare">The smallest part of their total.</param>
internal sealed record TwoProcessFigures(
    Figure OneTps,
    Figure StreamsTps,
    Figure LanesTps,
    Figure TotalTps,
    Figure FourTps,
    Figure TotalRatio,
    Figure StreamsRatio,
    Figure LanesRatio,
    Figure LeastShare,
    Figure FourRatio,
    Figure FourLeastShare);

/// <summary>Tokens a second of one stream in a control group with a quota; medians.</summary>
/// <param name="Cores">Processors' time that it may use.</param>
/// <param name="Skipped">Why nothing was measured; null where it was.</param>
/// <param name="TokensPerSecond">VAI's, as it comes.</param>
/// <param name="Ratio">That over what the best fixed number of threads gives, in pairs.</param>
/// <param name="FixedTps">With a fixed number, by number.</param>
/// <param name="PeerTps">The peers', by name.</param>
internal sealed record QuotaFigures(
    double Cores,
    string? Skipped,
    double TokensPerSecond,
    double Ratio,
    IReadOnlyDictionary<string, double> FixedTps,
    IReadOnlyDictionary<string, double> PeerTps);

/// <summary>So many models resident in one process, each from a ROM of its own, after one answer of each.</summary>
/// <param name="Models">How many.</param>
/// <param name="PrivateBytes">Memory of the process that is no file's.</param>
/// <param name="BytesOfAModel">What each model but the first adds to that; null of one.</param>
/// <param name="SelectNs">Choosing one of them by its handle, all in turn.</param>
/// <param name="StatusMs">A whole <c>vai status</c>, process and all.</param>
/// <param name="IdlePercent">Processor time of the process while nobody asks, in percent of one processor.</param>
internal sealed record ResidentFigures(int Models, long PrivateBytes, long? BytesOfAModel, double SelectNs, double StatusMs, double IdlePercent);
