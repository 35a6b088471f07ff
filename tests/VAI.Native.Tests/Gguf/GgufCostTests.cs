using System.Diagnostics;
using Xunit.Abstractions;

namespace VAI.Native.Tests.Gguf;

/// <summary>What a hostile file may cost: 64 MB of managed memory, and no hang. The times are printed.</summary>
public class GgufCostTests(ITestOutputHelper output)
{
    private const long MaxAllocated = 64 << 20;

    [Fact]
    public void Claims_cost_nothing()
    {
        Costs("2^63 tensors", new GgufBytes { TensorCount = 1ul << 63 }.Build(), refused: true);
        Costs("2^32 keys", new GgufBytes { MetadataCount = 1ul << 32 }.Build(), refused: true);
        byte[] claim = [.. GgufBytes.Bytes(100_000_000), .. GgufBytes.Bytes(0)];
        Costs("a string of 100 MB", new GgufBytes().Value("general.name", GgufValueType.String, claim).Build(), refused: true);
        Costs("2^61 strings", new GgufBytes().Array("a", GgufValueType.String, 1ul << 61).Build(), refused: true);
    }

    [Fact]
    public void Many_keys_cost_little()
    {
        Costs("60,000 keys", Keys(60_000, "key").Build(), refused: true);
        Costs("8,192 keys", Keys(8192, "key").Build(), refused: false);
        Costs("60 keys of 64 KiB", Keys(60, new string('k', 65500)).Build(), refused: false);
    }

    [Fact]
    public void Many_tensors_cost_little()
    {
        var bytes = new GgufBytes();
        for (int i = 0; i < GgufLimits.MaxTensors; i++)
            bytes.Tensor($"blk.{i}.weight", GgmlType.F32, 8);
        Costs("16,384 tensors", bytes.Build(), refused: false);
    }

    [Fact]
    public void Wide_arrays_cost_little()
    {
        string[] vocabulary = [.. Enumerable.Range(0, 262_144).Select(i => $"token{i}")];
        Costs("262,144 tokens", Model(vocabulary).Build(), refused: false);
        string[] most = [.. Enumerable.Range(0, 1 << 19).Select(i => i.ToString("x8"))];
        Costs("2^19 tokens", Model(most).Build(), refused: false);
        Costs("7 million empty strings", new GgufBytes().Array("a", GgufValueType.String, 7_000_000, new byte[56_000_000]).Build(), refused: false);
        Costs("60 million bools", new GgufBytes().Array("a", GgufValueType.Bool, 60_000_000, new byte[60_000_000]).Build(), refused: false);
    }

    [Fact]
    public void A_sparse_header_is_cut_at_the_limit()
    {
        byte[] claim = [.. GgufBytes.Bytes(1 << 30), .. GgufBytes.Bytes(0)];
        using var at = new TempFile(new GgufBytes().Value("general.name", GgufValueType.String, claim).Build(), 8L << 30);

        var error = Assert.Throws<VaiModelException>(() => GgufFile.Open(at.Path));
        Assert.Contains("VAI reads headers of up to 67108864 bytes", error.Message);
    }

    private static GgufBytes Keys(int count, string prefix)
    {
        var bytes = new GgufBytes();
        for (int i = 0; i < count; i++)
            bytes.UInt(prefix + i, 1);
        return bytes;
    }

    private static GgufBytes Model(string[] tokens) => new GgufBytes()
        .Text("general.architecture", "llama").UInt("llama.block_count", 1)
        .UInt("llama.embedding_length", 8).UInt("llama.context_length", 8)
        .Text("tokenizer.ggml.model", "gpt2").Strings("tokenizer.ggml.tokens", tokens);

    private void Costs(string what, byte[] bytes, bool refused)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        bool threw = false;
        try
        {
            using var file = GgufFile.Parse(bytes, what);
            var info = GgufModelInfo.From(file);
            if (info.Architecture != null)
                info.Validate();
        }
        catch (VaiModelException)
        {
            threw = true;
        }

        TimeSpan took = Stopwatch.GetElapsedTime(start);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        output.WriteLine($"{what}: {took.TotalMilliseconds:f1} ms, {allocated / 1024} KiB");
        Assert.Equal(refused, threw);
        Assert.InRange(allocated, 0, MaxAllocated);
        Assert.True(took < TimeSpan.FromSeconds(1), $"took {took}");
    }
}
