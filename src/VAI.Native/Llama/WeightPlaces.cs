using System.Text.RegularExpressions;

namespace VAI.Native.Llama;

/// <summary>Where a model's weights went, read from the lines llama.cpp logs while it makes one: its C API does not tell.</summary>
internal sealed partial class WeightPlaces
{
    private readonly List<string> _layers = [];
    private readonly Dictionary<string, long> _buffers = [];

    /// <summary>The device of each layer; that of the output is the last.</summary>
    public IReadOnlyList<string> Layers => _layers;

    /// <summary>
    /// Bytes by the name of the buffer, to <see cref="ContextMemory.Resolution"/>: a device's, <c>CPU_Mapped</c> and the like. Of a model without memory they
    /// are zeros.
    /// </summary>
    public IReadOnlyDictionary<string, long> Buffers => _buffers;

    /// <summary>Whether a line may say something of it.</summary>
    public static bool Concerns(string line) =>
        line.Contains(" model buffer size", StringComparison.Ordinal) || line.Contains(" assigned to device ", StringComparison.Ordinal);

    public static WeightPlaces Parse(IReadOnlyList<string> lines)
    {
        var places = new WeightPlaces();
        foreach (string line in lines)
        {
            if (Layer().Match(line) is { Success: true } layer)
                places._layers.Add(layer.Groups[1].Value);
            else if (Buffer().Match(line) is { Success: true } buffer)
                places._buffers[buffer.Groups[1].Value] = places._buffers.GetValueOrDefault(buffer.Groups[1].Value) + ContextMemory.Bytes(buffer.Groups[2]);
        }

        return places;
    }

    [GeneratedRegex(@"^\S+: layer +\d{1,4} assigned to device (\S+?),? .*$")]
    private static partial Regex Layer();

    [GeneratedRegex(@"^\S+: +(\S+) model buffer size = +(\d{1,9}\.\d\d) MiB$")]
    private static partial Regex Buffer();
}
