using System.Text;
using System.Text.Json;

namespace VAI.Daemon.Tests.OpenAi;

public sealed class LogProbabilityTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string ChatRequest =
        """{"model":"m","messages":[{"role":"user","content":"Hello"}],"temperature":0,"max_tokens":12,"logprobs":true,"top_logprobs":3}""";

    private const string Request = """{"model":"m","prompt":"Once upon a time","temperature":0,"max_tokens":12,"logprobs":2}""";

    [Fact]
    public async Task A_chat_has_them_for_each_token_as_the_engine_does()
    {
        string prompt = await Server.Vai.Select("m").RenderChatAsync([new("user", "Hello")]);
        List<TokenLogProbabilities> expected = await TokensAsync(prompt, 3);
        JsonElement choice = (await PostAsync(Chat, ChatRequest)).GetProperty("choices")[0];
        JsonElement[] content = [.. choice.GetProperty("logprobs").GetProperty("content").EnumerateArray()];
        Same(expected, content);
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("logprobs").GetProperty("refusal").ValueKind);
        string text = choice.GetProperty("message").GetProperty("content").GetString()!;
        byte[] bytes = [.. content.SelectMany(t => t.GetProperty("bytes").EnumerateArray().Select(b => b.GetByte()))];
        Assert.Equal(text, Encoding.UTF8.GetString(bytes));

        // In a stream each chunk has those of its own text.
        JsonElement[] chunks = [.. (await StreamAsync(Chat, With(ChatRequest, "stream", "true"))).Select(e => e.GetProperty("choices")[0])];
        Same(expected, [.. chunks.Where(HasAny).SelectMany(c => c.GetProperty("logprobs").GetProperty("content").EnumerateArray())]);

        content = [.. (await PostAsync(Chat, With(ChatRequest, "top_logprobs", "0"))).GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content").EnumerateArray()];
        Assert.All(content, t => Assert.Equal(0, t.GetProperty("top_logprobs").GetArrayLength()));

        static bool HasAny(JsonElement c) => c.GetProperty("logprobs").ValueKind != JsonValueKind.Null;
    }

    [Fact]
    public async Task A_text_completion_has_them_in_columns()
    {
        List<TokenLogProbabilities> expected = await TokensAsync("Once upon a time", 2);
        JsonElement choice = (await PostAsync(Completions, Request)).GetProperty("choices")[0];
        JsonElement columns = choice.GetProperty("logprobs");
        Assert.Equal(expected.Select(t => t.Token.LogProbability), columns.GetProperty("token_logprobs").EnumerateArray().Select(v => v.GetSingle()));
        string text = choice.GetProperty("text").GetString()!;
        string[] tokens = [.. columns.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()!)];
        int[] offsets = [.. columns.GetProperty("text_offset").EnumerateArray().Select(o => o.GetInt32())];
        Assert.Equal(tokens.Length, offsets.Length);
        Assert.Equal(0, offsets[0]);
        Assert.Equal(offsets.Order(), offsets);
        Rune[] characters = [.. text.EnumerateRunes()];
        for (int i = 0; i < tokens.Length; i++)
        {
            if (!tokens[i].StartsWith("bytes:", StringComparison.Ordinal))
                Assert.Equal(tokens[i], string.Concat(characters[offsets[i]..].Take(tokens[i].EnumerateRunes().Count())));
        }

        foreach ((JsonElement top, TokenLogProbabilities token) in columns.GetProperty("top_logprobs").EnumerateArray().Zip(expected))
        {
            Assert.InRange(top.EnumerateObject().Count(), 1, 3);
            Assert.Contains(top.EnumerateObject(), t => t.Value.GetSingle() == token.Token.LogProbability);
        }

        JsonElement[] chunks = [.. (await StreamAsync(Completions, With(Request, "stream", "true"))).Select(e => e.GetProperty("choices")[0].GetProperty("logprobs"))];
        Assert.Equal(tokens, chunks.Where(c => c.ValueKind != JsonValueKind.Null).SelectMany(c => c.GetProperty("tokens").EnumerateArray()).Select(t => t.GetString()!));
        Assert.Equal(offsets, chunks.Where(c => c.ValueKind != JsonValueKind.Null).SelectMany(c => c.GetProperty("text_offset").EnumerateArray()).Select(t => t.GetInt32()));

        choice = (await PostAsync(Completions, With(Request, "logprobs", "0"))).GetProperty("choices")[0];
        Assert.All(choice.GetProperty("logprobs").GetProperty("top_logprobs").EnumerateArray(), t => Assert.Equal(JsonValueKind.Null, t.ValueKind));
        choice = (await PostAsync(Completions, With(Request, "logprobs", "null"))).GetProperty("choices")[0];
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("logprobs").ValueKind);
    }

    private static void Same(List<TokenLogProbabilities> expected, JsonElement[] content)
    {
        Assert.Equal(expected.Select(t => t.Token.LogProbability), content.Select(t => t.GetProperty("logprob").GetSingle()));
        Assert.Equal(
            expected.Select(t => string.Join(',', t.Top.Select(p => p.LogProbability))),
            content.Select(t => string.Join(',', t.GetProperty("top_logprobs").EnumerateArray().Select(p => p.GetProperty("logprob").GetSingle()))));
    }

    private async Task<List<TokenLogProbabilities>> TokensAsync(string prompt, int top)
    {
        await using IInferenceSession session = Server.Vai.Select("m").OpenSession();
        var tokens = new List<TokenLogProbabilities>();
        await foreach (InferenceUpdate update in session.InferAsync(prompt, InferenceOptions.Greedy with { MaxTokens = 12, LogProbabilities = top }))
        {
            AnswerEnd(update, tokens);
        }

        return tokens;
    }

    // What ends the sequence is no part of the answer.
    private static void AnswerEnd(InferenceUpdate update, List<TokenLogProbabilities> tokens)
    {
        if (update.LogProbabilities is { } token)
            tokens.Add(token);
        else if (update.Result!.FinishReason == FinishReason.EndOfSequence)
            tokens.RemoveAt(tokens.Count - 1);
    }
}
