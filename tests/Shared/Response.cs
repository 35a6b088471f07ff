namespace VAI.Tests;

/// <summary>What a transaction answered.</summary>
internal sealed class Response
{
    public string Text { get; set; } = "";

    public List<int> Tokens { get; } = [];

    public InferenceResult? Result { get; set; }

    /// <summary>Reads an answer to its end, of which there must be one.</summary>
    public static async Task<Response> ReadAsync(IAsyncEnumerable<InferenceUpdate> updates)
    {
        var response = new Response();
        await foreach (InferenceUpdate update in updates)
        {
            Assert.Null(response.Result);
            response.Text += update.Text;
            response.Result = update.Result;
            if (update.Result is null)
                response.Tokens.Add(update.TokenId);
        }

        Assert.NotNull(response.Result);
        return response;
    }
}
