namespace VAI.Core.Tests;

/// <summary>What the engine's tests share: an engine with one tiny model, and the collecting of a response.</summary>
[Collection(EngineCollection.Name)]
public abstract class EngineTest(ForgedModels models)
{
    protected const string Prompt = "Write Verilog AND gate";

    protected ForgedModels Models { get; } = models;

    protected static async Task<(IVai Vai, IModelContext Model)> LoadAsync(string file, Action<ModelOptions>? configure = null)
    {
        IVai vai = Vai.Create(o =>
        {
            o.Threads = 2;
            o.AddModel("m", file, configure);
        });
        try
        {
            return (vai, vai.Select(await vai.LoadAsync("m")));
        }
        catch
        {
            await vai.DisposeAsync();
            throw;
        }
    }

    protected static InferenceOptions Greedy(int tokens) => InferenceOptions.Greedy with { MaxTokens = tokens };

    private protected static Task<Response> ReadAsync(IAsyncEnumerable<InferenceUpdate> updates) => Response.ReadAsync(updates);

    protected static async Task<TError> ThrowsAsync<TError>(VaiError code, Func<Task> act)
        where TError : VaiException
    {
        TError error = await Assert.ThrowsAsync<TError>(act);
        Assert.Equal(code, error.Code);
        return error;
    }
}
