using BenchmarkDotNet.Attributes;
using VAI.Native.Gguf;
using VAI.Native.Source;

namespace VAI.Benchmarks.Native;

/// <summary>A model's header, and reading its file.</summary>
public class ViewBenchmarks
{
    private string _path = null!;
    private readonly byte[] _bytes = new byte[32];
    private ModelSource _source = null!;
    private GgufFile _file = null!;
    private GgufTensor _tensor;

    [GlobalSetup]
    public void Setup()
    {
        _path = BenchmarkModels.File("tiny");
        _source = ModelSource.Open(_path);
        _file = GgufFile.Open(_path);
        _tensor = _file.Tensors[^1];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _file.Dispose();
        _source.Dispose();
    }

    [Benchmark]
    public byte Span()
    {
        _source.Read(_tensor.Offset, _bytes);
        return _bytes[31];
    }

    [Benchmark]
    public ulong Key() => _file.GetUInt("llama.block_count") ?? 0;

    /// <summary>Reading and checking the whole head.</summary>
    [Benchmark]
    public int Header()
    {
        using var file = GgufFile.Open(_path);
        return file.Tensors.Count;
    }
}
