using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using VAI.Native.Interop;

namespace VAI.Native.Abi;

/// <summary>ggml's log levels (<c>enum ggml_log_level</c>).</summary>
internal enum NativeLogLevel
{
    None = 0,
    Debug = 1,
    Info = 2,
    Warning = 3,
    Error = 4,
    Continued = 5,
}

/// <summary>
/// llama.cpp's log, line by line. The library logs from any thread and in fragments: each thread's are put together here
/// and handed on when the line ends. Also keeps the last errors, which say why a call returned NULL.
/// </summary>
internal static unsafe class NativeLog
{
    private const int KeptErrors = 8;

    [ThreadStatic]
    private static StringBuilder? _line;

    [ThreadStatic]
    private static NativeLogLevel _level;

    [ThreadStatic]
    private static List<string>? _errors;

    [ThreadStatic]
    private static (Func<string, bool> Wanted, List<string> Lines)? _collected;

    [ThreadStatic]
    private static Func<bool>? _ended;

    /// <summary>A whole line was logged. Raised on any thread, native ones among them.</summary>
    public static event Action<NativeLogLevel, string>? Line;

    /// <summary>
    /// Says of the call that this thread makes whether it was told to end: that it fails then is what was wanted, and what is logged of it information. Null for
    /// one that nobody ends.
    /// </summary>
    public static void Until(Func<bool>? ended) => _ended = ended;

    /// <summary>Collects the errors this thread's calls log until <see cref="TakeErrors"/>.</summary>
    public static void CollectErrors() => _errors = [];

    /// <summary>The errors logged on this thread since <see cref="CollectErrors"/>, oldest first.</summary>
    public static IReadOnlyList<string> TakeErrors()
    {
        List<string>? errors = _errors;
        _errors = null;
        return errors ?? [];
    }

    /// <summary>Collects the lines this thread's calls log, of any level, until <see cref="TakeLines"/>.</summary>
    public static void CollectLines(Func<string, bool> wanted) => _collected = (wanted, []);

    /// <summary>The wanted lines logged on this thread since <see cref="CollectLines"/>, oldest first.</summary>
    public static IReadOnlyList<string> TakeLines()
    {
        List<string>? lines = _collected?.Lines;
        _collected = null;
        return lines ?? [];
    }

    internal static void Install() => LlamaNative.llama_log_set(&OnLog, null);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnLog(int level, byte* text, void* data)
    {
        // No exception may cross into native code: it would end the process.
        try
        {
            Append((NativeLogLevel)level, Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text)));
        }
        catch (Exception e)
        {
            System.Diagnostics.Debug.WriteLine(e);
        }
    }

    private static void Append(NativeLogLevel level, string text)
    {
        StringBuilder line = _line ??= new StringBuilder();
        if (level != NativeLogLevel.Continued)
            _level = level;
        line.Append(text);
        if (!text.EndsWith('\n'))
            return;
        string whole = line.ToString().TrimEnd();
        line.Clear();
        if (whole.Length == 0)
            return;
        if (_level == NativeLogLevel.Error && _errors is { Count: < KeptErrors } errors)
            errors.Add(whole);
        if (_collected is { } collected && collected.Wanted(whole))
            collected.Lines.Add(whole);
        Line?.Invoke(_level is NativeLogLevel.Warning or NativeLogLevel.Error && _ended?.Invoke() == true ? NativeLogLevel.Info : _level, whole);
    }
}
