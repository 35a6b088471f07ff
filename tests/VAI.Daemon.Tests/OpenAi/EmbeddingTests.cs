using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using VAI.Residency;

namespace VAI.Daemon.Tests.OpenAi;

public sealed class EmbeddingTests(OpenAiServer server) : OpenAiTest(server)
{
    [Fact]
    public async Task Embeddings_are_the_engines_as_floats_and_as_base64()
    {
        float[] one = (await Server.Vai.Select("e").EmbedAsync("one")).ToArray();
        float[] two = (await Server.Vai.Select("e").EmbedAsync("two words")).ToArray();

        JsonElement answer = await PostAsync(Embeddings, """{"model":"e","input":"one"}""");
        Assert.Equal(one, Floats(answer, 0));
        Assert.True(answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32() > 0);

        answer = await PostAsync(Embeddings, """{"model":"e","input":["one","two words"],"encoding_format":"base64","user":"u","dimensions":256}""");
        Assert.Equal(2, answer.GetProperty("data").GetArrayLength());
        Assert.Equal([.. one, .. two], Bytes(answer, 0).Concat(Bytes(answer, 1)));
    }

    [Fact]
    public async Task Tokens_are_embedded_as_they_are()
    {
        IModelContext model = Server.Vai.Select("e");
        IReadOnlyList<int> tokens = await model.TokenizeAsync("two words", addSpecial: true, parseSpecial: false);
        string ids = JsonSerializer.Serialize(tokens);
        float[] expected = (await model.EmbedAsync("two words")).ToArray();
        Assert.Equal(expected, Floats(await PostAsync(Embeddings, $$"""{"model":"e","input":{{ids}}}"""), 0));
        JsonElement answer = await PostAsync(Embeddings, $$"""{"model":"e","input":[{{ids}},[1,2,3]]}""");
        Assert.Equal(expected, Floats(answer, 0));
        Assert.Equal(tokens.Count + 3, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task Control_tokens_are_tokens_too()
    {
        JsonElement answer = await PostAsync(Embeddings, """{"model":"e","input":[1,2,3],"encoding_format":"base64"}""");
        Assert.Equal(3, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.NotEqual(
            Floats(await PostAsync(Embeddings, """{"model":"e","input":[1,2,3]}"""), 0), Floats(await PostAsync(Embeddings, """{"model":"e","input":[2,3]}"""), 0));
    }

    [Fact]
    public async Task Inputs_are_bounded_below_the_API_too()
    {
        var model = (IBatchEmbedder)Server.Vai.Select("e");
        var many = new EmbeddingInput[IBatchEmbedder.MostInputs + 1];
        Array.Fill(many, new EmbeddingInput(null, [1]));
        VaiUsageException refused = await Assert.ThrowsAsync<VaiUsageException>(() => model.EmbedAllAsync(many, null, default));
        Assert.Equal(VaiError.InvalidOption, refused.Code);
        await RefusedAsync(
            Embeddings, $$"""{"model":"e","input":{{JsonSerializer.Serialize(many.Select(_ => "x"))}}}""", HttpStatusCode.BadRequest, "invalid_value", "input");
    }

    [Theory]
    [InlineData("""{"model":"m","input":"x"}""", "unsupported", "model")]
    [InlineData("""{"model":"e"}""", "missing_required_parameter", "input")]
    [InlineData("""{"model":"e","input":""}""", "invalid_value", "input")]
    [InlineData("""{"model":"e","input":["x",7]}""", "invalid_type", "input[1]")]
    [InlineData("""{"model":"e","input":[999999]}""", "invalid_value", "input")]
    [InlineData("""{"model":"e","input":"x","dimensions":7}""", "invalid_value", "dimensions")]
    [InlineData("""{"model":"e","input":"x","encoding_format":"hex"}""", "invalid_value", "encoding_format")]
    public Task What_cannot_be_embedded_is_refused(string request, string code, string param) =>
        RefusedAsync(Embeddings, request, HttpStatusCode.BadRequest, code, param);

    [Fact]
    public async Task A_text_longer_than_the_context_is_refused()
    {
        string text = string.Concat(Enumerable.Repeat("word ", Server.Vai.Select("e").ContextLength + 1));
        await RefusedAsync(Embeddings, $$"""{"model":"e","input":["x",{{Quote(text)}}]}""", HttpStatusCode.BadRequest, "context_length_exceeded");
    }

    private static float[] Floats(JsonElement answer, int index) =>
        [.. answer.GetProperty("data")[index].GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle())];

    private static float[] Bytes(JsonElement answer, int index) =>
        MemoryMarshal.Cast<byte, float>(answer.GetProperty("data")[index].GetProperty("embedding").GetBytesFromBase64()).ToArray();
}
