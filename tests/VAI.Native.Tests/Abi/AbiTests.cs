using VAI.Native.Abi;

namespace VAI.Native.Tests.Abi;

/// <summary>The offset tables against the library that is really loaded, and against each other.</summary>
public sealed class AbiTests
{
    private const string LLamaSharpModel =
        "0000000000000000 0000000000000000 ffffffff01000000 0100000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000"
        + "000001000000";

    private const string LLamaSharpContext =
        "0002000000080000 0002000001000000 0000000000000000 0400000004000000 00000000ffffffff ffffffffffffffff ffffffff00000000 00000000000080bf"
        + "000080bf000080bf 000080bf00000000 000080bfcccccccc 0000000000000000 0000000000000000 0100000001000000 0000000000000000 0000000000000000"
        + "000101010100cccc 0000000000000000 0000000000000000 0000000000000000";

    [Fact]
    public void Exactly_the_expected_tables_match_the_loaded_library()
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        Assert.StartsWith("0.5.0", library.Version);
        Assert.Equal("v0.4+", library.Abi.Model.Name);
        Assert.Equal("b10361, v0.4, v0.5", library.Abi.Context.Name);
        Assert.Contains(library.Devices, d => d is { Kind: NativeDeviceKind.Cpu, Name: "CPU", Backend: "CPU", IsGpu: false });
        Assert.Contains("libggml-cpu", library.CpuKernels);
        Assert.NotEmpty(library.SystemInfo);
    }

    /// <summary>Tripwire: the offsets as abi.md measured them, written out a second time on purpose.</summary>
    [Fact]
    public void The_offsets_of_v0_5_are_these()
    {
        ModelParamsTable m = NativeLoader.EnsureLoaded().Abi.Model;
        Assert.Equal(
            (16, 20, 24, 32, 40, 48, 56, 74, 80),
            (m.GpuLayers, m.SplitMode, m.LoadMode, m.MainGpu, m.TensorSplit, m.ProgressCallback, m.ProgressUserData, m.UseExtraBufferTypes, m.Size));
        Assert.Equal(76, m.NoAlloc);
        ContextParamsTable c = NativeLoader.EnsureLoaded().Abi.Context;
        Assert.Equal((0, 4, 8, 12, 28, 32), (c.ContextLength, c.BatchSize, c.MicroBatchSize, c.MaxSequences, c.Threads, c.ThreadsBatch));
        Assert.Equal((40, 44, 48, 52, 64), (c.RopeScaling, c.Pooling, c.Attention, c.FlashAttention, c.YarnExtFactor));
        Assert.Equal((104, 108, 112, 120), (c.TypeK, c.TypeV, c.AbortCallback, c.AbortUserData));
        Assert.Equal((128, 129, 130, 131, 132, 133, 160), (c.Embeddings, c.OffloadKqv, c.NoPerf, c.OpOffload, c.SwaFull, c.KvUnified, c.Size));
    }

    /// <summary>A library laid out by one table must not pass for another: each is filled with its own defaults.</summary>
    [Fact]
    public void No_two_tables_can_match_the_same_library()
    {
        foreach (ModelParamsTable own in AbiTables.Model)
        {
            AbiFingerprint.Sample sample = Defaults(own.WrittenEnd, s =>
            {
                Int(s, own.GpuLayers, -1);
                Int(s, own.SplitMode, 1);
                if (own.LoadMode >= 0)
                    Int(s, own.LoadMode, own.DefaultLoadMode);
                if (own.UseMmap >= 0)
                    s[own.UseMmap] = 1;
                s[own.UseExtraBufferTypes] = 1;
            });
            Assert.Same(own, Assert.Single(AbiTables.Model, t => AbiFingerprint.Matches(t, sample)));
        }

        foreach (ContextParamsTable own in AbiTables.Context)
        {
            AbiFingerprint.Sample sample = Defaults(own.WrittenEnd, s =>
            {
                (int Offset, int Value)[] defaults =
                [
                    (own.ContextLength, 512), (own.BatchSize, 2048), (own.MicroBatchSize, 512), (own.MaxSequences, 1), (own.Threads, 4),
                    (own.ThreadsBatch, 4), (own.RopeScaling, -1), (own.Pooling, -1), (own.Attention, -1), (own.FlashAttention, -1),
                    (own.TypeK, 1), (own.TypeV, 1),
                ];
                foreach ((int offset, int value) in defaults)
                    Int(s, offset, value);
                for (int i = 0; i < 4; i++)
                    Int(s, own.YarnExtFactor + (4 * i), BitConverter.SingleToInt32Bits(-1f));
                s[own.OffloadKqv] = s[own.OpOffload] = s[own.SwaFull] = 1;
            });
            Assert.Same(own, Assert.Single(AbiTables.Context, t => AbiFingerprint.Matches(t, sample)));
        }
    }

    /// <summary>What its <c>*_default_params()</c> wrote into buffers of 0xCC, up to where it ended.</summary>
    [Fact]
    public void LLamaSharp_0_30_is_known()
    {
        AbiFingerprint.Sample model = Recorded(LLamaSharpModel), context = Recorded(LLamaSharpContext);
        ModelParamsTable m = Assert.Single(AbiTables.Model, t => AbiFingerprint.Matches(t, model));
        ContextParamsTable c = Assert.Single(AbiTables.Context, t => AbiFingerprint.Matches(t, context));
        Assert.Equal("b10361, LLamaSharp 0.30", m.Name);
        Assert.Equal("b10068, LLamaSharp 0.30", c.Name);

        // Seen in the disassembly: llama_sampler_init_penalties takes one integer.
        Assert.False(c.PenaltiesTakeVocabulary);
    }

    [Fact]
    public void A_directory_without_libraries_is_an_error_that_names_it()
    {
        NativeLoader.EnsureLoaded();
        DirectoryInfo empty = Directory.CreateTempSubdirectory("vai-no-llama-");
        try
        {
            Assert.Equal([new NativeCandidate("option", empty.FullName)], NativeLocator.Candidates(empty.FullName));
            Assert.Null(NativeLocator.Find(empty.FullName, "llama"));
            File.WriteAllText(Path.Combine(empty.FullName, "libllama-common.so"), "");
            Assert.Null(NativeLocator.Find(empty.FullName, "llama"));
            File.WriteAllText(Path.Combine(empty.FullName, "libllama.v0.5.0.so"), "");
            Assert.EndsWith("libllama.v0.5.0.so", NativeLocator.Find(empty.FullName, "llama"));
            File.WriteAllText(Path.Combine(empty.FullName, "libllama.so"), "");
            Assert.EndsWith("libllama.so", NativeLocator.Find(empty.FullName, "llama"));
        }
        finally
        {
            empty.Delete(recursive: true);
        }
    }

    private static AbiFingerprint.Sample Recorded(string hex)
    {
        byte[] bytes = new byte[256];
        byte[] written = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        bytes.AsSpan().Fill(0xCC);
        written.CopyTo(bytes, 0);
        return new AbiFingerprint.Sample(bytes, [.. Enumerable.Range(0, 256).Select(i => i < written.Length)]);
    }

    private static AbiFingerprint.Sample Defaults(int end, Action<byte[]> fill)
    {
        byte[] bytes = new byte[256];
        fill(bytes);
        return new AbiFingerprint.Sample(bytes, [.. Enumerable.Range(0, 256).Select(i => i < end)]);
    }

    private static void Int(byte[] bytes, int offset, int value) => BitConverter.TryWriteBytes(bytes.AsSpan(offset), value);
}
