using System.Globalization;
using System.Text.RegularExpressions;

namespace VAI.Native.Llama;

/// <summary>One KV cache of a context; a model with sliding windows has two.</summary>
/// <param name="Cells">Cells of a stream, as llama.cpp rounds them.</param>
/// <param name="Layers">Layers that have a part in it.</param>
/// <param name="Streams">Equal parts for sequences; 1 for one common pool.</param>
/// <param name="KeyBytes">Bytes of the keys, to <see cref="ContextMemory.Resolution"/>.</param>
/// <param name="ValueBytes">Bytes of the values, likewise.</param>
/// <param name="LayersOf">How many of the layers each device has; may be empty.</param>
internal sealed record KvCacheLine(
    long Cells, long Layers, long Streams, long KeyBytes, long ValueBytes, IReadOnlyDictionary<string, int> LayersOf);

/// <summary>
/// What a context takes, read strictly from the lines llama.cpp logs while it makes one: its C API does not tell. Bytes by the
/// name of the device's buffer. Of a model without memory the <see cref="Allocated"/> are zeros, and the rest is as it would be.
/// </summary>
internal sealed partial class ContextMemory
{
    /// <summary>Numbers are logged in MiB with two decimals: each may be off by this many bytes.</summary>
    public const long Resolution = 5243;

    private readonly Dictionary<string, long> _allocated = [];
    private readonly Dictionary<string, long> _compute = [];
    private readonly List<KvCacheLine> _caches = [];

    /// <summary>Bytes of KV, or of a recurrent model's state, that were allocated.</summary>
    public IReadOnlyDictionary<string, long> Allocated => _allocated;

    /// <summary>Bytes reserved for intermediate results; empty if llama.cpp did not say.</summary>
    public IReadOnlyDictionary<string, long> Compute => _compute;

    public IReadOnlyList<KvCacheLine> Caches => _caches;

    /// <summary>Bytes of a recurrent model's state.</summary>
    public long StateBytes { get; private set; }

    /// <summary>Bytes of logits and embeddings; it grows when a step has more outputs than sequences.</summary>
    public long OutputBytes { get; private set; }

    /// <summary>Whether a line may say something of memory.</summary>
    public static bool Concerns(string line) =>
        line.Contains(" MiB", StringComparison.Ordinal) || line.Contains(": dev = ", StringComparison.Ordinal)
        || line.EndsWith(Reserving, StringComparison.Ordinal);

    private const string Reserving = ": reserving ...";

    public static ContextMemory Parse(IReadOnlyList<string> lines)
    {
        var memory = new ContextMemory();
        var layers = new Dictionary<string, int>();
        foreach (string line in lines)
        {
            if (Layer().Match(line) is { Success: true } layer)
            {
                Add(layers, layer.Groups[1].Value, 1);
            }
            else if (KvBuffer().Match(line) is { Success: true } buffer)
            {
                Add(memory._allocated, buffer.Groups[1].Value, Bytes(buffer.Groups[2]));
            }
            else if (Cache().Match(line) is { Success: true } c)
            {
                memory._caches.Add(new KvCacheLine(Whole(c.Groups[1]), Whole(c.Groups[2]), Whole(c.Groups[3]), Bytes(c.Groups[4]), Bytes(c.Groups[5]), layers));
                layers = [];
            }
            else if (State().Match(line) is { Success: true } state)
            {
                memory.StateBytes += Bytes(state.Groups[1]);
                layers = [];
            }
            else if (ComputeBuffer().Match(line) is { Success: true } compute)
            {
                Add(memory._compute, compute.Groups[1].Value, Bytes(compute.Groups[2]));
            }
            else if (OutputBuffer().Match(line) is { Success: true } output)
            {
                memory.OutputBytes = Bytes(output.Groups[1]);
            }
            else if (line.EndsWith(Reserving, StringComparison.Ordinal))
            {
                // What was reserved before is given back.
                memory._compute.Clear();
            }
        }

        return memory;
    }

    private static void Add<T>(Dictionary<string, T> to, string key, T value)
        where T : System.Numerics.INumber<T> => to[key] = to.GetValueOrDefault(key, T.Zero) + value;

    private static long Whole(Group number) => long.Parse(number.ValueSpan, CultureInfo.InvariantCulture);

    internal static long Bytes(Group mebibytes) =>
        (long)Math.Round(decimal.Parse(mebibytes.ValueSpan, CultureInfo.InvariantCulture) * 1024 * 1024);

    [GeneratedRegex(@"^\S+[:,] layer +\d{1,4}: dev = (\S+)$")]
    private static partial Regex Layer();

    [GeneratedRegex(@"^\S+: +(\S+) (?:KV|RS) buffer size = +(\d{1,9}\.\d\d) MiB$")]
    private static partial Regex KvBuffer();

    [GeneratedRegex(@"^\S+: size = +\d{1,9}\.\d\d MiB \( *(\d{1,9}) cells, +(\d{1,4}) layers, +\d{1,9}/(\d{1,9}) seqs\), "
        + @"K \(\S+\): +(\d{1,9}\.\d\d) MiB, V \(\S+\): +(\d{1,9}\.\d\d) MiB$")]
    private static partial Regex Cache();

    [GeneratedRegex(@"^\S+: size = +(\d{1,9}\.\d\d) MiB \( *\d{1,9} cells, +\d{1,4} layers, +\d{1,9} seqs +\d{1,9} rs_seq\), R .*$")]
    private static partial Regex State();

    [GeneratedRegex(@"^\S+: +(\S+) compute buffer size = +(\d{1,9}\.\d\d) MiB$")]
    private static partial Regex ComputeBuffer();

    [GeneratedRegex(@"^\S+: +\S+ +output buffer size = +(\d{1,9}\.\d\d) MiB$")]
    private static partial Regex OutputBuffer();
}
