using BenchmarkDotNet.Attributes;
using VAI.Native.Gguf;
using VAI.Native.Memory;

namespace VAI.Benchmarks.Native;

/// <summary>A model's header and spans over its mapped file.</summary>
public class ViewBenchmarks
{
    private string _path = null!;
    private MappedFile _map = null!;
    private GgufFile _file = null!;
    private GgufTensor _tensor;

    [GlobalSetup]
    public void Setup()
    {
        _path = BenchmarkModels.File("tiny");
        _map = MappedFile.Open(_path);
        _file = GgufFile.Open(_path);
        _tensor = _file.Tensors[^1];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _file.Dispose();
        _map.Dispose();
    }

    [Benchmark]
    public byte Span() => _map.Slice(_tensor.Offset, 32)[31];

    [Benchmark]
    public long Key() => _file.GetInteger("llama.block_count") ?? 0;

    /// <summary>Mapping and checking the whole file.</summary>
    [Benchmark]
    public int Header()
    {
        using var file = GgufFile.Open(_path);
        return file.Tensors.Count;
    }
}
