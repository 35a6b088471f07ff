using System.Runtime.InteropServices;
using VAI.Native.Abi;
using VAI.Native.Interop;
using VAI.Native.Tests.Gguf;

namespace VAI.Native.Tests.Llama;

/// <summary>Rows out of packed matrices, against what was packed.</summary>
public sealed unsafe class EmbeddingRowsTests
{
    private const int Length = 512;
    private const int Count = 48;

    public static TheoryData<string> Types => [.. new[] { GgmlType.Q4_0, GgmlType.IQ4_NL, GgmlType.Q8_0, GgmlType.Q4_K }.Select(t => $"{t}")];

    /// <summary>Packed by ggml, in whatever layout this CPU's kernels want: each row, in blocks of every bit pattern.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void Rows_that_ggml_packed_are_those_of_the_file(string name)
    {
        GgmlType type = Enum.Parse<GgmlType>(name);
        using var file = GgufFile.Parse(new GgufBytes().Tensor(TiedOutput.Name, type, Length, Count).Build(), "x");
        IReadOnlyList<PackedTensors> packing = RomPacking.For(file);

        // On x86 only Q8_0 has no layout of its own.
        if (packing.Count == 0)
        {
            Assert.True(type == GgmlType.Q8_0 || RuntimeInformation.ProcessArchitecture != Architecture.X64);
            return;
        }

        byte[] plain = Random(type);
        nint buffer = GgmlNative.ggml_backend_buft_alloc_buffer(packing[0].BufferType, (nuint)plain.Length);
        nint context = GgmlNative.ggml_init(new ggml_init_params { mem_size = GgmlNative.ggml_tensor_overhead() * 2, no_alloc = 1 });
        try
        {
            ggml_tensor* tensor = GgmlNative.ggml_new_tensor_4d(context, (int)type, Length, Count, 1, 1);
            Place(buffer, tensor);
            fixed (byte* bytes = plain)
                new LlamaTensor(tensor).Set(bytes);
            byte* packed = new LlamaTensor(tensor).Data;
            Assert.False(new ReadOnlySpan<byte>(packed, plain.Length).SequenceEqual(plain));
            AssertOneLayoutReads(type, plain, packed);
        }
        finally
        {
            GgmlNative.ggml_free(context);
            GgmlNative.ggml_backend_buffer_free(buffer);
        }
    }

    /// <summary>The layouts of other CPUs, packed as repack.cpp does: the scales of a group's blocks, then their quants in turns.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void Rows_of_every_layout_of_scale_and_quants_are_those_of_the_file(string name)
    {
        GgmlType type = Enum.Parse<GgmlType>(name);
        if (type == GgmlType.Q4_K)
        {
            Assert.Equal(2, PackedLayout.Of(type).Length);
            return;
        }

        byte[] plain = Random(type);
        foreach (PackedLayout layout in PackedLayout.Of(type))
        {
            fixed (byte* packed = Pack(type, layout, plain))
                AssertOneLayoutReads(type, plain, packed, layout);
        }
    }

    private static void AssertOneLayoutReads(GgmlType type, byte[] plain, byte* packed, PackedLayout? only = null)
    {
        NativeLoader.EnsureLoaded();
        TiedOutput[] read = [.. RomTied.Layouts(new TiedOutput(type, Length, Count, 1, default)).Where(o => Are(o, plain))];
        TiedOutput output = Assert.Single(read);
        if (only is not null)
            Assert.Equal(only, output.Layout);
        var rows = new EmbeddingRows(output, packed);
        var doubled = new EmbeddingRows(output with { Scale = 2 }, packed);
        Assert.Equal((Length, Count), (rows.Length, rows.Count));
        var (one, two, expected) = (new float[Length], new float[Length], new float[Length]);
        for (int row = 0; row < Count; row++)
        {
            fixed (float* a = one, b = two, e = expected)
            fixed (byte* source = plain)
            {
                rows.Read(row, a);
                doubled.Read(row, b);
                GgmlNative.ggml_get_type_traits((int)type)->to_float(source + (row * output.RowBytes), e, Length);
            }

            Assert.Equal(MemoryMarshal.AsBytes<float>(expected), MemoryMarshal.AsBytes<float>(one));
            Assert.Equal(expected.Select(x => x * 2), two);
        }

        // One bit anywhere makes another row.
        byte[] other = [.. plain];
        other[^1] ^= 1;
        Assert.False(Are(output, other));

        bool Are(TiedOutput of, byte[] source)
        {
            fixed (byte* bytes = source)
                return new EmbeddingRows(of, packed).Are(bytes);
        }
    }

    private static byte[] Pack(GgmlType type, PackedLayout layout, byte[] plain)
    {
        GgmlTypes.TryGetBlock((uint)type, out uint elements, out uint blockBytes);
        int block = (int)blockBytes, blocks = Length / (int)elements, quants = block - 2;
        byte[] packed = new byte[plain.Length];
        for (int row = 0; row < Count; row++)
        {
            for (int b = 0; b < blocks; b++)
            {
                int from = ((row * blocks) + b) * block, within = row % layout.Rows;
                int to = ((row / layout.Rows * blocks) + b) * block * layout.Rows;
                plain.AsSpan(from, 2).CopyTo(packed.AsSpan(to + (2 * within)));
                for (int i = 0; i < quants; i++)
                {
                    int turn = i / layout.Chunk;
                    int at = to + (2 * layout.Rows) + (((turn * layout.Rows) + within) * layout.Chunk) + (i % layout.Chunk);
                    packed[at] = (byte)(plain[from + 2 + i] ^ (type == GgmlType.Q4_0 ? 0x88 : 0));
                }
            }
        }

        return packed;
    }

    // Random bits, but scales that are numbers: no NaN compares equal.
    private static byte[] Random(GgmlType type)
    {
        GgmlTypes.TryGetBlock((uint)type, out uint elements, out uint bytes);
        byte[] plain = new byte[Count * Length / elements * bytes];
        new Random(7).NextBytes(plain);
        for (int at = 0; at < plain.Length; at += (int)bytes)
        {
            plain[at + 1] &= 0xBB;
            plain[at + 3] &= (byte)(type == GgmlType.Q4_K ? 0xBB : 0xFF);
        }

        return plain;
    }

    private static void Place(nint buffer, ggml_tensor* tensor)
    {
        nint library = NativeLibrary.Load(Path.Combine(NativeLoader.EnsureLoaded().Directory, "libggml-base.so"));
        var place = (delegate* unmanaged[Cdecl]<nint, ggml_tensor*, byte*, int>)NativeLibrary.GetExport(library, "ggml_backend_tensor_alloc");
        Assert.Equal(0, place(buffer, tensor, GgmlNative.ggml_backend_buffer_get_base(buffer)));
    }
}
