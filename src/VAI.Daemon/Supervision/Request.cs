using System.Globalization;

namespace VAI.Daemon.Supervision;

/// <summary>Something that a client wants of a model, from its beginning to its end: its id outlives the engines that it is at. Thread-safe.</summary>
/// <param name="model">The model; null if it is of none.</param>
/// <param name="isLoad">Whether it is to load that model.</param>
internal sealed class Request(string? model, bool isLoad = false)
{
    private static long _last;

    private readonly long _number = Interlocked.Increment(ref _last);
    private long _progress;

    public string Id => string.Create(CultureInfo.InvariantCulture, $"r{_number}");

    public string? Model => model;

    public bool IsLoad => isLoad;

    /// <summary>How far it has come: the tokens that were handed over.</summary>
    public long Progress
    {
        get => Volatile.Read(ref _progress);
        set => Volatile.Write(ref _progress, value);
    }

    /// <summary>Whether an engine has had it: then its client has been promised something.</summary>
    public bool IsBegun { get; set; }
}
