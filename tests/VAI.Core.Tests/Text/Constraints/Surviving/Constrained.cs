using VAI.Text.Tools;
using VAI.Text.Tools.Formats;

namespace VAI.Core.Tests.Text.Constraints.Surviving;

/// <summary>Transactions that must answer something, of every kind of constraint.</summary>
internal static class Constrained
{
    private const string Schema =
        """{"type":"object","properties":{"name":{"type":"string","maxLength":8},"tags":{"type":"array","items":{"enum":["red","green",7]},"maxItems":3},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","tags","age"],"additionalProperties":false}""";

    private static readonly Tool[] Tools =
    [
        new("weather", """{"type":"object","properties":{"city":{"type":"string","maxLength":12}},"required":["city"]}""", false),
        new("add_2", """{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"required":["a","b"],"additionalProperties":false}""", true),
    ];

    /// <summary>Its ways, by name.</summary>
    public static IReadOnlyDictionary<string, InferenceOptions> All { get; } = new Dictionary<string, InferenceOptions>
    {
        ["schema"] = Options(1, Constraint.JsonSchema(Schema)),
        ["regex"] = Options(2, Constraint.Regex("(yes|no)( [a-z]{1,6}){3,9}\\.")),
        ["tools"] = Options(3, Calls("hermes")),
        ["thoughts, then a schema"] = Thinking(Options(4, Constraint.JsonSchema(Schema))),
        ["thoughts, then tools"] = Thinking(Options(5, Calls("mistral"))),
        ["counted text"] = Options(6, Constraint.JsonSchema("""{"type":"string","minLength":40,"maxLength":60}""")),
        ["keys"] = Options(7, Constraint.JsonSchema("""{"type":"object","propertyNames":{"pattern":"^[a-f]{1,4}$"},"additionalProperties":{"type":"integer"},"minProperties":4,"maxProperties":6}""")),
        ["choice"] = Options(8, Constraint.Regex("one hundred and twenty-three|one hundred and forty-five thousand|nothing at all, thank you")),
    };

    /// <summary>Whether an answer that ended by itself is what its constraint asks for.</summary>
    public static bool Fits(InferenceOptions options, string answer, string calls) =>
        options.Constraint!.Kind == ConstraintKind.Tools ? answer.Length == 0 && options.Constraint.Accepts(calls) : calls.Length == 0 && options.Constraint.Accepts(answer);

    private static InferenceOptions Options(uint seed, Constraint constraint) =>
        new() { Constraint = constraint, Seed = seed, MaxTokens = 160, Temperature = 1.5f, TopK = 0, TopP = 1, MinP = 0 };

    private static InferenceOptions Thinking(InferenceOptions options) =>
        options with { Reasoning = new ReasoningFormat("<think>", "</think>"), BeginsInReasoning = true, ReasoningBudget = 9 };

    private static Constraint Calls(string format) => new(
        ConstraintKind.Tools, new ToolRequest(ToolFormats.All.First(f => f.Name == format), Tools, ToolChoice.Required, true, null).Write());
}

/// <summary>An answer, part by part.</summary>
internal sealed record ConstrainedAnswer(IReadOnlyList<int> Tokens, string Thought, string Answer, string Calls, InferenceResult Result)
{
    public static async Task<ConstrainedAnswer> ReadAsync(IAsyncEnumerable<InferenceUpdate> updates)
    {
        var tokens = new List<int>();
        string thought = "", answer = "", calls = "";
        InferenceResult? result = null;
        await foreach (InferenceUpdate update in updates)
        {
            if (update.Result is null)
                tokens.Add(update.TokenId);
            result = update.Result ?? result;
            switch (update.Kind)
            {
                case InferenceUpdateKind.Reasoning:
                    thought += update.Text;
                    break;
                case InferenceUpdateKind.ToolCalls:
                    calls += update.Text;
                    break;
                default:
                    answer += update.Text;
                    break;
            }
        }

        return new ConstrainedAnswer(tokens, thought, answer, calls, result!);
    }
}
