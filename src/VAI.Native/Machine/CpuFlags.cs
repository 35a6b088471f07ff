namespace VAI.Native.Machine;

/// <summary>
/// What the kernel says this CPU can do (<c>/proc/cpuinfo</c>, x86): only what it also saves at a switch of threads. Compiled ahead of time, .NET's own
/// <c>IsSupported</c> may say no to what there is.
/// </summary>
internal sealed class CpuFlags
{
    private static readonly Lazy<CpuFlags> Own = new(Read, LazyThreadSafetyMode.PublicationOnly);

    private readonly HashSet<string> _flags;

    /// <param name="flags">Separated by spaces, under the kernel's names.</param>
    public CpuFlags(string flags) => _flags = [.. flags.Split(' ', StringSplitOptions.RemoveEmptyEntries)];

    public static CpuFlags Current => Own.Value;

    /// <summary>Whether it has all of them.</summary>
    public bool Has(params ReadOnlySpan<string> flags)
    {
        foreach (string flag in flags)
        {
            if (!_flags.Contains(flag))
                return false;
        }

        return true;
    }

    private static CpuFlags Read()
    {
        try
        {
            string? line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal));
            return new CpuFlags(line is null ? "" : line[(line.IndexOf(':') + 1)..]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new CpuFlags("");
        }
    }
}
