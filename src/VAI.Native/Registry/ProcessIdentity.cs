using System.Buffers.Text;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Registry;

/// <summary>A process, told from a later one of the same id by when it started (proc(5), field 22 of stat).</summary>
/// <param name="Pid">Process id; 0 for none.</param>
/// <param name="Start">Start time in clock ticks since boot. Compared by its low 32 bits, which repeat after 497 days.</param>
internal readonly record struct ProcessIdentity(int Pid, ulong Start)
{
    private const int StateField = 3;
    private const int StartField = 22;

    // 52 numbers of up to 20 digits, and a command of 16 characters.
    private const int MostBytes = 2048;

    /// <summary>This process.</summary>
    public static ProcessIdentity Current { get; } = Of(Environment.ProcessId) ?? new(Environment.ProcessId, 0);

    /// <summary>Whether it still runs; one that ended and that its parent has not asked after does not.</summary>
    public bool IsAlive => Pid > 0 && Of(Pid) is { } now && (uint)now.Start == (uint)Start;

    /// <summary>The running process of that id, if there is one.</summary>
    public static ProcessIdentity? Of(int pid)
    {
        try
        {
            string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat");
            int descriptor = LibcNative.open(path, LibcNative.O_RDONLY | LibcNative.O_CLOEXEC);
            if (descriptor < 0)
                return null;
            using var file = new SafeFileHandle(descriptor, ownsHandle: true);
            Span<byte> stat = stackalloc byte[MostBytes];
            return Parse(stat[..RandomAccess.Read(file, stat, 0)], out char state, out ulong start) && state is not ('Z' or 'X') ? new(pid, start) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads a line of <c>/proc/PID/stat</c>; the command in its parentheses may hold spaces and parentheses itself.</summary>
    internal static bool Parse(ReadOnlySpan<byte> stat, out char state, out ulong start)
    {
        (state, start) = ('\0', 0);
        ReadOnlySpan<byte> rest = stat[(stat.LastIndexOf((byte)')') + 1)..];
        int field = StateField - 1;
        foreach (Range range in rest.Split((byte)' '))
        {
            ReadOnlySpan<byte> text = rest[range];
            // The first is empty: a space follows the parenthesis.
            if (field == StateField && text.Length == 1)
                state = (char)text[0];
            if (field == StartField)
                return state != '\0' && Utf8Parser.TryParse(text, out start, out _);
            field++;
        }

        return false;
    }

    /// <summary>Both in one word: the id above, the low half of the start time below.</summary>
    internal ulong ToWord() => ((ulong)(uint)Pid << 32) | (uint)Start;

    /// <summary>The reverse of <see cref="ToWord"/>, with half of the start time.</summary>
    internal static ProcessIdentity FromWord(ulong word) => new((int)(word >> 32), (uint)word);
}
