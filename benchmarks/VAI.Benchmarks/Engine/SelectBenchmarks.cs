using BenchmarkDotNet.Attributes;

namespace VAI.Benchmarks.Engine;

/// <summary>Context select: the whole cost of switching to another resident model.</summary>
public class SelectBenchmarks
{
    private readonly ModelHandle[] _handles = new ModelHandle[2];
    private readonly string[] _names = ["fast-model", "deep-model"];
    private IVai _vai = null!;
    private int _turn;

    [GlobalSetup]
    public void Setup()
    {
        string file = BenchmarkModels.File("tiny");
        _vai = Vai.Create(o => o.AddModel(_names[0], file).AddModel(_names[1], file));
        for (int i = 0; i < 2; i++)
            _handles[i] = _vai.LoadAsync(_names[i]).AsTask().GetAwaiter().GetResult();
    }

    [GlobalCleanup]
    public void Cleanup() => _vai.Dispose();

    [Benchmark]
    public IModelContext ByHandle() => _vai.Select(_handles[_turn ^= 1]);

    [Benchmark]
    public IModelContext ByName() => _vai.Select(_names[_turn ^= 1]);
}
