using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using VAI.Remote;
using Xunit.Abstractions;

namespace VAI.Daemon.FaultTests;

/// <summary>
/// Eight streams of answers that must be something, each something else, while the engine is killed or hangs: each goes on with the tokens of an
/// undisturbed run, and fits.
/// </summary>
/// <remarks><c>VAI_TEST_KILLS</c> and <c>VAI_TEST_SEED</c> change how often and when.</remarks>
[Collection(FaultCollection.Name)]
public sealed class ConstrainedStreamTests(ForgedModels models, ITestOutputHelper output)
{
    private static readonly string[] Tools =
    [
        """{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string","maxLength":12}},"required":["city"]}}}""",
        """{"type":"function","function":{"name":"add_2","strict":true,"parameters":{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"],"additionalProperties":false}}}""",
    ];

    private static int Kills { get; } = Number("VAI_TEST_KILLS", 3);

    private static int Seed { get; } = Number("VAI_TEST_SEED", Environment.TickCount & 0xFFFF);

    [Fact]
    public async Task An_engine_that_is_killed_changes_no_answer()
    {
        output.WriteLine($"VAI_TEST_SEED={Seed} VAI_TEST_KILLS={Kills}");
        var random = new Random(Seed);
        await using DaemonProcess daemon = await ServeAsync();
        await using RemoteVai vai = daemon.Connect();
        Answer[] expected = await AllAsync(vai, static () => { });
        Assert.All(expected, a => Assert.True(a.Fits, a.ToString()));
        int tokens = expected.Sum(e => e.Tokens.Count);
        for (int kill = 0; kill < Kills; kill++)
        {
            int left = random.Next(1, tokens * 8 / 10);
            using Process worker = await daemon.WorkerAsync();
            Answer[] actual = await AllAsync(vai, () =>
            {
                if (Interlocked.Decrement(ref left) == 0)
                    worker.Kill();
            });
            Same(expected, actual);
        }

        Assert.Equal(Kills, (await vai.StatusAsync(default)).WorkerRestarts);
        output.WriteLine(daemon.Log);
    }

    [Fact]
    public async Task An_engine_that_hangs_changes_none_either()
    {
        await using DaemonProcess daemon = await ServeAsync("--patience", "1");
        await using RemoteVai vai = daemon.Connect();
        Answer[] expected = await AllAsync(vai, static () => { });
        await daemon.StandsByAsync();
        using Process worker = await daemon.WorkerAsync();
        int left = expected.Sum(e => e.Tokens.Count) / 2;
        Answer[] actual = await AllAsync(vai, () =>
        {
            if (Interlocked.Decrement(ref left) == 0)
                DaemonProcess.SignalAsync("STOP", worker.Id).Wait();
        });
        Same(expected, actual);
        Assert.Equal(1, (await vai.StatusAsync(default)).WorkerRestarts);
    }

    private static void Same(Answer[] expected, Answer[] actual)
    {
        foreach ((Answer one, Answer other) in expected.Zip(actual))
        {
            Assert.Equal(one.Tokens, other.Tokens);
            Assert.Equal((one.Thought, one.Said, one.Calls, one.Result!.FinishReason), (other.Thought, other.Said, other.Calls, other.Result!.FinishReason));
            Assert.True(other.Fits, other.ToString());
        }
    }

    private static async Task<Answer[]> AllAsync(RemoteVai vai, Action each)
    {
        IModelContext model = vai.Select("a");
        IReadOnlyList<JsonElement> tools = [.. Tools.Select(t => JsonElement.Parse(t))];
        ChatPrompt prompt = await model.RenderChatAsync([new ChatTurn("user", "Is it warm?")], new ChatRenderOptions { Tools = tools });
        ChatPrompt plain = await model.RenderChatAsync([new ChatTurn("user", "Is it warm?")]);
        const string schema = """{"type":"object","properties":{"name":{"type":"string","maxLength":8},"tags":{"type":"array","items":{"enum":["red","green",7]},"maxItems":3},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","tags","age"],"additionalProperties":false}""";
        (ChatPrompt, InferenceOptions)[] all =
        [
            (plain, Options(Constraint.JsonSchema(schema))),
            (plain, Thinking(Options(Constraint.JsonSchema(schema)))),
            (plain, Options(Constraint.Regex("(yes|no)( [a-z]{1,6}){9,20}\\."))),
            (plain, Options(Constraint.JsonSchema("""{"type":"string","minLength":60,"maxLength":80}"""))),
            (prompt, Options(Constraint.Tools(prompt, tools, ToolChoice.Required))),
            (prompt, Options(Constraint.Tools(prompt, tools, name: "add_2"))),
            (prompt, Thinking(Options(Constraint.Tools(prompt, tools, ToolChoice.Required)))),
            (plain, Options(Constraint.JsonSchema("""{"type":"object","propertyNames":{"pattern":"^[a-f]{1,4}$"},"additionalProperties":{"type":"integer"},"minProperties":4,"maxProperties":6}"""))),
        ];
        return await Task.WhenAll(all.Select((one, i) => ReadAsync(model, one.Item1, one.Item2 with { Seed = (uint)i }, each)));
    }

    private static InferenceOptions Options(Constraint constraint) =>
        new() { Constraint = constraint, MaxTokens = 200, Temperature = 1.5f, TopK = 0, TopP = 1, MinP = 0 };

    private static InferenceOptions Thinking(InferenceOptions options) =>
        options with { Reasoning = new ReasoningFormat("<think>", "</think>"), BeginsInReasoning = true, ReasoningBudget = 12 };

    private static async Task<Answer> ReadAsync(IModelContext model, ChatPrompt prompt, InferenceOptions options, Action each)
    {
        var answer = new Answer(options);
        await using IInferenceSession session = model.OpenSession();
        await foreach (InferenceUpdate update in session.InferAsync(prompt, options))
        {
            answer.Add(update);
            each();
        }

        return answer;
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : otherwise;

    private Task<DaemonProcess> ServeAsync(params string[] more) => DaemonProcess.ServeAsync(
        models.NewPlace(),
        ["--model", $"a={models.Model("tiny", 1)}", "--profile", "exact", "--ctx", "512", "--sram", "4096", "--rom-dir", models.NewRomDirectory(), .. more]);

    private sealed class Answer(InferenceOptions options)
    {
        public List<int> Tokens { get; } = [];

        public string Thought { get; private set; } = "";

        public string Said { get; private set; } = "";

        public string Calls { get; private set; } = "";

        public InferenceResult? Result { get; private set; }

        /// <summary>Whether it is what was asked for, or was cut.</summary>
        public bool Fits => (options.Reasoning is null) == (Thought.Length == 0) && (Result!.FinishReason != FinishReason.EndOfSequence
            || (options.Constraint!.Kind == ConstraintKind.Tools ? Said.Length == 0 && options.Constraint.Accepts(Calls) : Calls.Length == 0 && options.Constraint.Accepts(Said)));

        public void Add(InferenceUpdate update)
        {
            if (update.Result is null)
                Tokens.Add(update.TokenId);
            Result = update.Result ?? Result;
            Thought += update.Kind == InferenceUpdateKind.Reasoning ? update.Text : "";
            Calls += update.Kind == InferenceUpdateKind.ToolCalls ? update.Text : "";
            Said += update.Kind == InferenceUpdateKind.Answer ? update.Text : "";
        }

        public override string ToString() => $"{Result?.FinishReason}: {Thought} | {Said} | {Calls}";
    }
}
