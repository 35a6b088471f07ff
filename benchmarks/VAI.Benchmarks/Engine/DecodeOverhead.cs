using BenchmarkDotNet.Attributes;
using VAI.Bench;

namespace VAI.Benchmarks.Engine;

/// <summary>
/// Tokens through the whole API against a bare loop over the same native calls, on the same file with the same threads. The
/// ratio of the two is the API's overhead; both do a prompt and <see cref="Tokens"/> tokens.
/// </summary>
public class DecodeOverhead
{
    private const string Prompt = "Write Verilog AND gate";
    private const int Threads = 2;
    private const int ContextLength = 512;
    private BareLoop _bare = null!;
    private IVai _vai = null!;
    private IModelContext _model = null!;
    private int[] _prompt = null!;
    private int[] _output = null!;

    /// <summary>Generated tokens of one operation.</summary>
    [Params(64)]
    public int Tokens { get; set; } = 64;

    /// <summary>The shape that is forged and run.</summary>
    [Params("small")]
    public string Shape { get; set; } = "small";

    [GlobalSetup]
    public void Setup()
    {
        string file = BenchmarkModels.File(Shape);
        _bare = new BareLoop(file, ContextLength, Threads);
        _prompt = _bare.Tokenize(Prompt);
        _output = new int[Tokens];
        _vai = Vai.Create(o =>
        {
            o.Threads = Threads;
            o.AddModel("m", file, m => m.ContextLength = ContextLength);
        });
        _model = _vai.Select(_vai.LoadAsync("m").AsTask().GetAwaiter().GetResult());
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _vai.Dispose();
        _bare.Dispose();
    }

    [Benchmark(Baseline = true)]
    public int BareLoop() => _bare.Generate(_prompt, _output);

    [Benchmark]
    public async Task<int> Api()
    {
        await using IInferenceSession session = _model.OpenSession();
        int count = 0;
        await foreach (InferenceUpdate update in session.InferAsync(_prompt, InferenceOptions.Greedy with { MaxTokens = Tokens }))
            count += update.TokenId >= 0 ? 1 : 0;
        return count;
    }
}
