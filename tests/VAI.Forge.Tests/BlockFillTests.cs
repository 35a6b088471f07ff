using System.Runtime.InteropServices;
using VAI.Forge.Gguf;
using VAI.Forge.Weights;
using VAI.Native.Gguf;

namespace VAI.Forge.Tests;

/// <summary>What the blocks say is asked of ggml itself.</summary>
public sealed unsafe class BlockFillTests
{
    private const int Values = 1 << 20;

    private static readonly nint Ggml = NativeLibrary.Load(Path.Combine(LlamaProbe.NativeFolder(), "libggml-base.so"));

    public static TheoryData<string, float> Cases
    {
        get
        {
            var data = new TheoryData<string, float>();
            foreach (GgmlType type in BlockFill.Types)
            {
                // From a large gain on few inputs to the down matrix of the largest shape.
                foreach (float deviation in new[] { 0.25f, 0.0156f, 0.005f, 0.002f })
                    data.Add(type.ToString(), deviation);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Weights_have_the_deviation_asked_for_and_no_mean(string name, float deviation)
    {
        GgmlType type = Enum.Parse<GgmlType>(name);
        float[] weights = Dequantize(type, Filled(type, 0, deviation));
        double mean = weights.Average(weight => (double)weight);
        double actual = Math.Sqrt(weights.Average(weight => weight * (double)weight));
        Assert.InRange(mean / deviation, -0.005, 0.005);
        // 16-bit scales lose precision below 6e-5.
        Assert.InRange(actual / deviation, 0.97, 1.03);
        Assert.InRange(weights.Max(Math.Abs) / deviation, 1.5, 4);
    }

    [Fact]
    public void Floats_can_have_a_mean()
    {
        float[] weights = Dequantize(GgmlType.F32, Filled(GgmlType.F32, 1, 0.05f));
        Assert.InRange(weights.Average(), 0.999, 1.001);
        Assert.InRange(weights.Min(), 0.9, 0.92);
    }

    [Fact]
    public void Block_sizes_are_those_of_ggml()
    {
        var size = (delegate* unmanaged[Cdecl]<uint, nuint>)NativeLibrary.GetExport(Ggml, "ggml_type_size");
        var values = (delegate* unmanaged[Cdecl]<uint, long>)NativeLibrary.GetExport(Ggml, "ggml_blck_size");
        foreach (GgmlType type in BlockFill.Types)
        {
            Assert.Equal((int)size((uint)type), type.BlockBytes());
            Assert.Equal(values((uint)type), type.BlockValues());
        }
    }

    [Fact]
    public void No_byte_of_q8_0_is_the_minimum()
    {
        byte[] blocks = Filled(GgmlType.Q8_0, 0, 1);
        for (int at = 0; at < blocks.Length; at += GgmlType.Q8_0.BlockBytes())
            Assert.DoesNotContain((byte)0x80, blocks.AsSpan(at + 2, 32).ToArray());
    }

    private static byte[] Filled(GgmlType type, float mean, float deviation)
    {
        byte[] blocks = new byte[type.Bytes(Values)];
        BlockFill.Fill(blocks, type, mean, deviation, RandomBits.Key(1, "test"));
        return blocks;
    }

    private static float[] Dequantize(GgmlType type, byte[] blocks)
    {
        if (type == GgmlType.F32)
            return MemoryMarshal.Cast<byte, float>(blocks).ToArray();
        if (type == GgmlType.F16)
            return [.. MemoryMarshal.Cast<byte, Half>(blocks).ToArray().Select(half => (float)half)];

        float[] weights = new float[Values];
        var convert = (delegate* unmanaged[Cdecl]<byte*, float*, long, void>)NativeLibrary.GetExport(
            Ggml, $"dequantize_row_{type.ToString().Replace('Q', 'q')}");
        fixed (byte* from = blocks)
        fixed (float* to = weights)
            convert(from, to, Values);
        return weights;
    }
}
