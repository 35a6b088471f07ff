namespace VAI.Native.Tests.Llama;

/// <summary>llama.cpp's lines as they are, with two devices and without, and lines that only look like them.</summary>
public sealed class ContextMemoryTests
{
    private const long Mib = 1 << 20;

    [Fact]
    public void A_cache_is_read_with_its_devices()
    {
        ContextMemory m = Parse(
            "llama_context:        CPU  output buffer size =     4.64 MiB",
            "llama_kv_cache: layer   0: dev = CPU",
            "llama_kv_cache: layer   1: dev = CUDA0",
            "llama_kv_cache: layer   2: dev = CUDA0",
            "llama_kv_cache:        CPU KV buffer size =     4.00 MiB",
            "llama_kv_cache:      CUDA0 KV buffer size =     8.00 MiB",
            "llama_kv_cache: size =   12.00 MiB (  4096 cells,   3 layers,  8/1 seqs), K (f16):    6.00 MiB, V (q8_0):    6.00 MiB",
            "sched_reserve:      CUDA0 compute buffer size =   300.75 MiB",
            "sched_reserve:  CUDA_Host compute buffer size =    16.01 MiB");
        KvCacheLine cache = Assert.Single(m.Caches);
        Assert.Equal((4096, 3, 1, 6 * Mib, 6 * Mib), (cache.Cells, cache.Layers, cache.Streams, cache.KeyBytes, cache.ValueBytes));
        Assert.Equal([("CPU", 1), ("CUDA0", 2)], cache.LayersOf.Select(p => (p.Key, p.Value)).Order());
        Assert.Equal([("CPU", 4 * Mib), ("CUDA0", 8 * Mib)], m.Allocated.Select(p => (p.Key, p.Value)).Order());
        Assert.Equal([("CUDA0", 315_359_232), ("CUDA_Host", 16_787_702)], m.Compute.Select(p => (p.Key, p.Value)).Order());
        Assert.Equal(4_865_393, m.OutputBytes);
    }

    [Fact]
    public void Caches_add_up_and_keep_their_layers_apart()
    {
        ContextMemory m = Parse(
            "llama_kv_cache: layer   0: dev = CPU",
            "llama_kv_cache:        CPU KV buffer size =     1.00 MiB",
            "llama_kv_cache: size =    1.00 MiB (   512 cells,   1 layers,  4/4 seqs), K (f16):    0.50 MiB, V (f16):    0.50 MiB",
            "llama_kv_cache: layer   1: dev = CPU",
            "llama_kv_cache:        CPU KV buffer size =     5.00 MiB",
            "llama_kv_cache: size =    5.00 MiB (   512 cells,   5 layers,  4/4 seqs), K (f16):    2.50 MiB, V (f16):    2.50 MiB",
            "llama_memory_recurrent, layer   0: dev = CPU",
            "llama_memory_recurrent:        CPU RS buffer size =     2.00 MiB",
            "llama_memory_recurrent: size =    2.00 MiB (     8 cells,   2 layers,  8 seqs  0 rs_seq), R (f32):    1.00 MiB, S (f32):    1.00 MiB, P (f32):    0.00 MiB");
        Assert.Equal(8 * Mib, m.Allocated["CPU"]);
        Assert.Equal([4, 4], m.Caches.Select(c => c.Streams));
        Assert.All(m.Caches, c => Assert.Equal(1, c.LayersOf["CPU"]));
        Assert.Equal(2 * Mib, m.StateBytes);
    }

    [Fact]
    public void What_was_reserved_again_counts_once()
    {
        ContextMemory m = Parse(
            "sched_reserve: reserving ...",
            "sched_reserve:        CPU compute buffer size =     9.00 MiB",
            "sched_reserve: reserving ...",
            "sched_reserve:        CPU compute buffer size =     7.00 MiB");
        Assert.Equal(7 * Mib, m.Compute["CPU"]);
    }

    [Theory]
    [InlineData("sched_reserve: CPU compute buffer size = 7 MiB")]
    [InlineData("sched_reserve: CPU compute buffer size = -7.00 MiB")]
    [InlineData("sched_reserve: CPU compute buffer size = 7.00 MiB extra")]
    [InlineData("sched_reserve: CPU compute buffer size = 99999999999999999999.00 MiB")]
    [InlineData("load_tensors: CPU model buffer size = 7.00 MiB")]
    [InlineData("llama_kv_cache: size = 7.00 MiB (512 cells, 1 layers, 4 seqs), K (f16): 3.50 MiB, V (f16): 3.50 MiB")]
    [InlineData("")]
    public void Other_lines_say_nothing(string line)
    {
        ContextMemory m = Parse(line);
        Assert.Empty(m.Compute);
        Assert.Empty(m.Allocated);
        Assert.Empty(m.Caches);
        Assert.Equal((0, 0), (m.StateBytes, m.OutputBytes));
    }

    private static ContextMemory Parse(params string[] lines) => ContextMemory.Parse([.. lines.Where(ContextMemory.Concerns)]);
}
