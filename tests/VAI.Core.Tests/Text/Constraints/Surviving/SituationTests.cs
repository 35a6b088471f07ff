using System.Text;
using System.Text.Json;
using VAI.Native.Llama;
using VAI.Residency;
using VAI.Text;
using VAI.Text.Tools;
using VAI.Text.Tools.Formats;

namespace VAI.Core.Tests.Text.Constraints.Surviving;

/// <summary>What else is asked of an answer that must be something, and what cannot be.</summary>
public sealed class SituationTests(ForgedModels models) : EngineTest(models)
{
    private const string Digits = "[0-9]{6}";

    private static readonly InferenceOptions Number = new() { Constraint = Constraint.Regex(Digits), Seed = 3, Temperature = 1.5f, TopK = 0, TopP = 1, MinP = 0, MaxTokens = 40 };

    [Fact]
    public async Task Whatever_is_asked_of_sampling_the_answer_fits()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        int[] free = [.. (await AnswerAsync(model, Greedy(20))).Tokens];
        InferenceOptions[] all =
        [
            Number with { TopK = 1 }, Number with { Temperature = 0 }, Number with { TopK = 40, TopP = 0.01f, MinP = 0.9f }, Number with { TypicalP = 0.01f },
            Number with { RepeatPenalty = 10, PenaltyLastN = 4096, FrequencyPenalty = 10, PresencePenalty = 10 }, Number with { RepeatPenalty = 0.01f, FrequencyPenalty = -10 },

            // What the model would rather say, at any price.
            Number with { LogitBias = free.Distinct().ToDictionary(t => t, _ => 1e6f) },
            Number with { LogProbabilities = 5, Temperature = 0 },
        ];
        foreach (InferenceOptions options in all)
        {
            Response answer = await AnswerAsync(model, options);
            Assert.Equal(FinishReason.EndOfSequence, answer.Result!.FinishReason);
            Assert.Matches($"^{Digits}$", answer.Text);
        }
    }

    [Fact]
    public async Task Probabilities_are_the_models_own_of_each_token_that_came()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        await foreach (InferenceUpdate update in session.InferAsync(Prompt, Number with { LogProbabilities = 3 }))
        {
            if (update.Result is not null)
                continue;
            TokenLogProbabilities given = Assert.IsType<TokenLogProbabilities>(update.LogProbabilities);
            Assert.Equal(update.TokenId, given.Token.TokenId);
            Assert.InRange(given.Token.LogProbability, float.MinValue, 0);
            Assert.Equal(3, given.Top.Count);
        }
    }

    [Fact]
    public async Task What_is_cut_begins_what_satisfies_it()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        Response whole = await AnswerAsync(model, Number);
        for (int most = 1; most < whole.Tokens.Count; most++)
        {
            Response cut = await AnswerAsync(model, Number with { MaxTokens = most });
            Assert.Equal(FinishReason.MaxTokens, cut.Result!.FinishReason);
            Assert.StartsWith(cut.Text, whole.Text, StringComparison.Ordinal);
        }

        // A stop string is no part of an answer, also within what was asked for.
        InferenceOptions json = Number with { Constraint = Constraint.JsonSchema("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"],"additionalProperties":false}"""), Stop = [":"] };
        Response stopped = await AnswerAsync(model, json);
        Assert.Equal(FinishReason.StopString, stopped.Result!.FinishReason);
        Assert.StartsWith("{", stopped.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(":", stopped.Text, StringComparison.Ordinal);
        using JsonDocument rest = JsonDocument.Parse(stopped.Text + ":1,\"b\":1}");
        Assert.Equal(2, rest.RootElement.GetPropertyCount());
    }

    [Fact]
    public async Task What_leaves_no_token_is_an_error_and_the_session_is_as_it_was()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
        var pieces = new TokenPieces(vocab, special: false);
        Dictionary<int, float> banned = Enumerable.Range(0, vocab.Count).Where(t => Encoding.UTF8.GetString(pieces.Of(t)).Any(char.IsAsciiDigit)).ToDictionary(t => t, _ => float.NegativeInfinity);
        await using IInferenceSession session = model.OpenSession();
        await ThrowsAsync<VaiUsageException>(VaiError.InvalidOption, () => ReadAsync(session.InferAsync(Prompt, Number with { LogitBias = banned })));
        Assert.Equal(0, session.TokenCount);
        Assert.Matches($"^{Digits}$", (await ReadAsync(session.InferAsync(Prompt, Number))).Text);
    }

    [Theory]
    [InlineData("[\u4e00-\u4e05]{3}")]
    [InlineData("ok [\u4e00-\u4e05]")]
    public async Task What_a_vocabulary_has_no_tokens_for_is_an_error_that_says_so(string pattern)
    {
        (IVai vai, IModelContext model) = await LoadAsync(WithoutBytes());
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        VaiUsageException error = await ThrowsAsync<VaiUsageException>(
            VaiError.InvalidConstraint, () => ReadAsync(session.InferAsync(Prompt, Number with { Constraint = Constraint.Regex(pattern) })));
        Assert.Contains("vocabulary", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, session.TokenCount);
        Assert.Matches($"^{Digits}$", (await ReadAsync(session.InferAsync(Prompt, Number))).Text);
    }

    [Fact]
    public async Task Who_leaves_and_what_is_disposed_in_the_middle_ends_alone()
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"], m => (m.ContextLength, m.SramTokens, m.MaxSessions) = (2048, 8 * 2048, 8));
        InferenceOptions endless = Number with { Constraint = Constraint.Regex("[a-z]{1900}"), MaxTokens = null };
        Response alone = await AnswerAsync(model, Number);
        await using (IInferenceSession left = model.OpenSession())
        {
            await foreach (InferenceUpdate _ in left.InferAsync(Prompt, endless))
                break;

            // Its matcher was given back: the next one is as good as a new one.
            Assert.Equal(alone.Tokens, (await AnswerAsync(model, Number)).Tokens);
            using var cancel = new CancellationTokenSource();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            {
                await foreach (InferenceUpdate _ in left.InferAsync("and", endless, cancel.Token))
                    await cancel.CancelAsync();
            });
        }

        // Of all that run while the engine goes each ends with an error of ours, or is over.
        var begun = new CountdownEvent(6);
        Task[] running = [.. Enumerable.Range(0, 6).Select(i => Task.Run(async () =>
        {
            IInferenceSession session = model.OpenSession();
            bool first = true;
            await foreach (InferenceUpdate _ in session.InferAsync(Prompt, endless with { Seed = (uint)i }))
            {
                if (first)
                    begun.Signal();
                first = false;
            }
        }))];
        await Task.Run(begun.Wait);
        await vai.DisposeAsync();
        foreach (Task one in running)
        {
            Exception? error = await Record.ExceptionAsync(() => one);
            Assert.True(error is null or VaiException or ObjectDisposedException or OperationCanceledException, $"{error}");
        }

        await Assert.ThrowsAnyAsync<Exception>(() => AnswerAsync(model, Number));
        begun.Dispose();
    }

    [Fact]
    public void More_tools_than_are_taken_are_refused_by_their_number()
    {
        ChatPrompt prompt = ChatTemplate.Parse("{{ messages[0].content }}").Render([new("user", "x")], new ChatRenderOptions { Tools = [JsonElement.Parse("""{"type":"function","function":{"name":"f"}}""")] });
        JsonElement[] tools = [.. Enumerable.Range(0, 129).Select(i => JsonElement.Parse($$$"""{"type":"function","function":{"name":"f{{{i}}}"}}"""))];
        VaiUsageException error = Assert.Throws<VaiUsageException>(() => Constraint.Tools(prompt, tools));
        Assert.Equal(VaiError.InvalidOption, error.Code);
        Assert.Contains("129", error.Message, StringComparison.Ordinal);
        Assert.True(Constraint.Tools(prompt, tools[..128], ToolChoice.Required).Accepts("<tool_call>\n{\"name\": \"f127\", \"arguments\": {}}\n</tool_call>"));

        // Nor does a constraint have more that was made by somebody else.
        var request = new ToolRequest(ToolFormats.Generic, [.. Enumerable.Range(0, 129).Select(i => new Tool($"f{i}", "{}", false))], ToolChoice.Auto, true, null);
        Assert.Equal(VaiError.InvalidConstraint, Assert.Throws<VaiUsageException>(() => new Constraint(ConstraintKind.Tools, request.Write()).Accepts("")).Code);
    }

    // The tiny model whose tokens for bytes are none that are used: what its pieces do not spell cannot be written.
    private string WithoutBytes()
    {
        const int Unused = 5, Byte = 6;
        byte[] bytes = File.ReadAllBytes(Models["tiny"]);
        byte[] key = Encoding.UTF8.GetBytes("tokenizer.ggml.token_type");
        int at = bytes.AsSpan().IndexOf(key) + key.Length, count = (int)BitConverter.ToUInt64(bytes, at + 8);
        Assert.Equal((9u, 5u), (BitConverter.ToUInt32(bytes, at), BitConverter.ToUInt32(bytes, at + 4)));
        int changed = 0;
        for (int token = 0, place = at + 16; token < count; token++, place += sizeof(int))
        {
            if (BitConverter.ToInt32(bytes, place) != Byte)
                continue;
            BitConverter.TryWriteBytes(bytes.AsSpan(place), Unused);
            changed++;
        }

        Assert.Equal(256, changed);
        string file = Models.NewFile("without-bytes.gguf");
        File.WriteAllBytes(file, bytes);
        return file;
    }

    private static async Task<Response> AnswerAsync(IModelContext model, InferenceOptions options)
    {
        await using IInferenceSession session = model.OpenSession();
        return await ReadAsync(session.InferAsync(Prompt, options));
    }
}
