using System.Globalization;

namespace VAI.Native.Registry.Leases;

/// <summary>The devices other than a CPU that a model's weights are on, as a lease's record has them. Immutable.</summary>
/// <remarks>
/// Eight bits a backend, its devices 0 to 7 from the lowest on: byte 0 CUDA, 1 Vulkan, 2 ROCm, 3 all others, whose names are not
/// kept. The last bit stands for device 7 and those after it. 0: on none.
/// </remarks>
/// <param name="Bits">What is stored.</param>
internal readonly record struct DeviceSet(uint Bits)
{
    private const int BitsEach = 8;

    // By byte; the first of a byte is what it is called when it is read.
    private static readonly (string Name, int Byte)[] Backends = [("CUDA", 0), ("Vulkan", 1), ("ROCm", 2), ("HIP", 2), (Other, 3)];

    /// <summary>What devices of a backend without a byte of its own are called.</summary>
    public const string Other = "Other";

    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => Bits == 0;

    /// <summary>llama.cpp's names of them (<c>CUDA0</c>, <c>Vulkan1</c>), in the order of the bits.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            uint bits = Bits;
            return
            [
                .. Enumerable.Range(0, sizeof(uint) * BitsEach).Where(i => (bits >> i & 1) != 0).Select(i =>
                    string.Create(CultureInfo.InvariantCulture, $"{Array.Find(Backends, b => b.Byte == i / BitsEach).Name}{i % BitsEach}")),
            ];
        }
    }

    /// <param name="names">llama.cpp's names of devices; those of a CPU are none.</param>
    public static DeviceSet Of(IEnumerable<string> names)
    {
        uint bits = 0;
        foreach (string name in names)
        {
            ReadOnlySpan<char> backend = name.AsSpan().TrimEnd("0123456789");
            if (!backend.StartsWith("CPU", StringComparison.Ordinal))
                bits |= 1u << ((ByteOf(backend) * BitsEach) + IndexOf(name.AsSpan(backend.Length)));
        }

        return new DeviceSet(bits);
    }

    /// <summary>Those of either.</summary>
    public static DeviceSet operator |(DeviceSet a, DeviceSet b) => new(a.Bits | b.Bits);

    public override string ToString() => string.Join(", ", Names);

    private static int ByteOf(ReadOnlySpan<char> backend)
    {
        foreach ((string name, int place) in Backends)
        {
            if (backend.SequenceEqual(name))
                return place;
        }

        return Backends[^1].Byte;
    }

    // Without a number it is the only one; one that is too long for a number is far behind the last.
    private static int IndexOf(ReadOnlySpan<char> digits) =>
        digits.IsEmpty ? 0
        : uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out uint index) ? (int)Math.Min(index, BitsEach - 1) : BitsEach - 1;
}
