namespace VAI.Gpu.Tests;

/// <summary>What tests on the device share.</summary>
[Collection(GpuCollection.Name)]
public abstract class GpuTest(ForgedModels models)
{
    private protected const string Prompt = "Write Verilog AND gate";

    private protected ForgedModels Models { get; } = models;

    private protected IVai NewEngine(long? vram = null) => Vai.Create(o =>
    {
        o.Threads = 2;
        o.RomDirectory = Models.Roms;
        o.VramLimit = vram;
    });

    private protected ModelOptions Model(string name, string shape = "tiny", ulong seed = 1) => new()
    {
        Name = name,
        File = Models.Model(shape, seed),
        Devices = [SoftwareDevice.Name],
        GpuLayers = -1,
        ContextLength = 256,
        SramTokens = 1024,
    };

    private protected static InferenceOptions Greedy(int tokens) => InferenceOptions.Greedy with { MaxTokens = tokens, LogitBias = new Dictionary<int, float> { [2] = -100 } };

    private protected static async Task<IModelContext> LoadAsync(IVai vai, ModelOptions model) => vai.Select(await vai.LoadAsync(model));

    private protected static async Task<List<int>> AnswerAsync(IModelContext model, string prompt = Prompt, int tokens = 8)
    {
        await using IInferenceSession session = model.OpenSession();
        return (await Response.ReadAsync(session.InferAsync(prompt, Greedy(tokens)))).Tokens;
    }
}
