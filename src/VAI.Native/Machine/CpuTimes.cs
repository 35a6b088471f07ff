using Microsoft.Win32.SafeHandles;

namespace VAI.Native.Machine;

/// <summary>
/// How long the processors that this process may use had nothing to do: <c>/proc/stat</c> (proc_stat(5)), which counts in hundredths of a
/// second, so over a tenth of a second or more. Used by one thread at a time.
/// </summary>
internal sealed class CpuTimes : IDisposable
{
    // A line has ten numbers of up to twenty digits; those of processors come first.
    private const int LineBytes = 256;
    private const int NanosecondsOfTick = 10_000_000;

    private readonly SafeFileHandle? _stat;
    private readonly bool[] _allowed;
    private readonly byte[] _text;

    public CpuTimes()
    {
        _allowed = Allowed();
        Count = _allowed.Count(a => a);
        _text = new byte[LineBytes * (_allowed.Length + 1)];
        try
        {
            _stat = File.OpenHandle("/proc/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Hidden from this container: nothing is known to be idle.
        }
    }

    /// <summary>Processors that this process may use.</summary>
    public int Count { get; }

    /// <summary>Whether the kernel says anything: a container may be kept from seeing it.</summary>
    public bool IsKnown => Idle() > 0;

    /// <summary>Nanoseconds, of all of them together, since the machine began. Allocates nothing.</summary>
    public long Idle()
    {
        const int IdleAt = 3, WaitsForDisksAt = 4;
        long ticks = 0;
        if (_stat is null)
            return 0;
        try
        {
            var text = new ProcText(_text.AsSpan(0, RandomAccess.Read(_stat, _text, 0)));
            while (text.TrySkip("\ncpu"u8) && text.TryNext(out long processor))
            {
                bool counts = processor < _allowed.Length && _allowed[processor];
                for (int i = 0; i <= WaitsForDisksAt && text.TryNext(out long number); i++)
                    ticks += counts && i is IdleAt or WaitsForDisksAt ? number : 0;
            }
        }
        catch (IOException)
        {
            return 0;
        }

        return ticks * NanosecondsOfTick;
    }

    public void Dispose() => _stat?.Dispose();

    /// <summary>By processor, from the affinity that the process has now.</summary>
    private static bool[] Allowed()
    {
        try
        {
            string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal));
            var allowed = new List<bool>();
            foreach (string range in line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Split(','))
            {
                int[] ends = [.. range.Split('-').Select(n => int.Parse(n, System.Globalization.NumberStyles.AllowLeadingWhite, System.Globalization.CultureInfo.InvariantCulture))];
                while (allowed.Count <= ends[^1])
                    allowed.Add(allowed.Count >= ends[0]);
            }

            return [.. allowed];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or InvalidOperationException)
        {
            return [.. Enumerable.Repeat(true, Environment.ProcessorCount)];
        }
    }
}
