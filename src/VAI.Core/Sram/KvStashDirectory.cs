using System.Globalization;

namespace VAI.Sram;

/// <summary>
/// Where an engine process keeps copies of its sessions' KV for the process that takes over when it dies, and finds those that were
/// left to it. One process uses it at a time.
/// </summary>
/// <remarks>Used on the pipeline's thread.</remarks>
/// <param name="path">A private directory in shared memory, made when it is needed.</param>
/// <param name="lot">Memory that the copies may take, with what is parked.</param>
internal sealed class KvStashDirectory(string path, ParkingLot lot) : IDisposable
{
    /// <summary>Where, in the directory, another process's copies are put before this one is asked to go on with them.</summary>
    public const string Inherited = "inherited";

    private readonly List<KvStashFile> _spare = [];
    private List<KvStashFile>? _left;
    private bool _leftSeen;
    private int _made;

    /// <summary>What was left to this process and has not been taken up.</summary>
    public IReadOnlyList<KvStashFile> Left
    {
        get
        {
            // Left once, as a whole: when this process is to take over.
            string left = Path.Combine(path, Inherited);
            if (_left is null && Directory.Exists(left))
                _left = [.. Directory.EnumerateFiles(left, "*" + KvStashFile.Suffix).Select(f => KvStashFile.TryOpen(f, lot)).OfType<KvStashFile>()];
            return _left ?? [];
        }
    }

    /// <summary>A file for copies of so many bytes; null if there is no room.</summary>
    public KvStashFile? Take(long bytes)
    {
        // To touch new memory costs more than the copy.
        int at = _spare.FindIndex(f => f.Capacity >= bytes);
        if (at >= 0)
        {
            KvStashFile spare = _spare[at];
            _spare.RemoveAt(at);
            return spare;
        }

        try
        {
            // The process has a umask of 077.
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return KvStashFile.TryCreate(NewPath(), bytes, lot);
    }

    /// <summary>Makes one of <see cref="Left"/> this process's own.</summary>
    /// <returns>False if it could not be, and is gone.</returns>
    public bool TakeUp(KvStashFile file)
    {
        _left!.Remove(file);
        return file.TryMove(NewPath());
    }

    /// <summary>
    /// Drops what was left to this process if nobody has taken it up since the call before: called every few minutes, so that a session
    /// has those after a takeover. A file at a time, as to free one takes a while.
    /// </summary>
    /// <returns>Whether there is more to drop now.</returns>
    public bool Sweep()
    {
        if (!Directory.Exists(Path.Combine(path, Inherited)))
            return false;
        if (!_leftSeen)
        {
            _leftSeen = true;
            return false;
        }

        // Those that nobody has looked at are opened by it, and so counted, named and deleted like all others.
        if (Left is not [.., var last])
            return false;
        last.Dispose();
        _left!.Remove(last);
        return _left.Count > 0;
    }

    /// <summary>Gives a file back.</summary>
    public void Return(KvStashFile file)
    {
        const int MostSpare = 16;
        file.Clear();
        if (_spare.Count < MostSpare)
            _spare.Add(file);
        else
            file.Dispose();
    }

    public void Dispose()
    {
        foreach (KvStashFile file in _spare.Concat(_left ?? []))
            file.Dispose();
        _spare.Clear();
        _left = [];
    }

    // Named by its process's directory: who clears up sees how old it is.
    private string NewPath() => Path.Combine(
        path, string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(path)}-{++_made}{KvStashFile.Suffix}"));
}
