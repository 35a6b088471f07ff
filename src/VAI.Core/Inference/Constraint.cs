using System.Text.Json;
using System.Text.Json.Serialization;
using VAI.OptionRules;
using VAI.Text.Constraints;
using VAI.Text.Tools;
using VAI.Text.Tools.Formats;

namespace VAI;

/// <summary>
/// What an answer must be, whatever the model would rather say: only tokens that can still lead there are chosen, and the answer ends exactly where it
/// may. Immutable, thread-safe; equal ones are made ready once.
/// </summary>
public sealed record Constraint
{
    [JsonConstructor]
    internal Constraint(ConstraintKind kind, string text) => (Kind, Text) = (kind, text);

    /// <summary>Any JSON object.</summary>
    public static Constraint JsonObject { get; } = new(ConstraintKind.JsonSchema, """{"type":"object"}""");

    /// <summary>In which language it is said.</summary>
    [JsonInclude]
    public ConstraintKind Kind { get; }

    /// <summary>It, in that language.</summary>
    [JsonInclude]
    public string Text { get; }

    /// <summary>
    /// JSON that fits a schema (JSON Schema, draft 2020-12 or 07), its members in the schema's order. What of a schema cannot be held is an error that
    /// names it, never left out.
    /// </summary>
    /// <param name="schema">At most 1 MiB, of at most 64 levels.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidConstraint"/>, with the JSON pointer of what cannot be held.</exception>
    public static Constraint JsonSchema(string schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return Checked(new Constraint(ConstraintKind.JsonSchema, schema));
    }

    /// <inheritdoc cref="JsonSchema(string)"/>
    public static Constraint JsonSchema(JsonElement schema) =>
        Checked(new Constraint(ConstraintKind.JsonSchema, schema.ValueKind == JsonValueKind.Undefined ? "null" : schema.GetRawText()));

    /// <summary>A text that a regular expression matches as a whole (ECMA-262, without looking around, back references and <c>\b</c>).</summary>
    /// <param name="pattern">The expression.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidConstraint"/>, with the place in the pattern.</exception>
    public static Constraint Regex(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return Checked(new Constraint(ConstraintKind.Regex, pattern));
    }

    /// <summary>
    /// A text of a grammar in GBNF, llama.cpp's language of grammars. What of it cannot be held, such as rules that begin with themselves and tokens, is an
    /// error that names the line.
    /// </summary>
    /// <param name="grammar">The grammar, whose answer is the rule <c>root</c>. At most 2^20 characters, 50,000 rules, and 200 groups within each other.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidConstraint"/>, with the line.</exception>
    public static Constraint Gbnf(string grammar)
    {
        ArgumentNullException.ThrowIfNull(grammar);
        return Checked(new Constraint(ConstraintKind.Gbnf, grammar));
    }

    /// <summary>
    /// An answer that may call tools, as the model of a prompt writes calls: each call that it makes is of one of them, with arguments that fit, and what
    /// <see cref="ToolCallReader"/> reads. What is said beside calls is free.
    /// </summary>
    /// <param name="prompt">A conversation that was rendered with the tools.</param>
    /// <param name="tools">At most 128, each as OpenAI's API has it: <c>{"type": "function", "function": {"name", "parameters", "strict"}}</c>.</param>
    /// <param name="choice">Whether it calls one.</param>
    /// <param name="name">The one that it calls, where it must be that; null for any.</param>
    /// <param name="parallel">Whether it may make several calls.</param>
    /// <param name="otherwise">What an answer without a call must be, a <see cref="JsonSchema(string)"/>; null for any text.</param>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.InvalidConstraint"/>: what of a strict tool's schema cannot be held (of others the type alone of such an argument is, or that they are an object);
    /// <see cref="VaiError.InvalidOption"/>: there are too many tools, one has no name, two that differ have the same, or none has the name that is asked for.
    /// </exception>
    public static Constraint Tools(
        ChatPrompt prompt, IReadOnlyList<JsonElement> tools, ToolChoice choice = ToolChoice.Auto, string? name = null, bool parallel = true, Constraint? otherwise = null)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(tools);
        if (otherwise is not null && otherwise.Kind != ConstraintKind.JsonSchema)
            throw OptionCheck.Invalid("Beside tools an answer can be held to a JSON schema, and to nothing else.");
        if (tools.Count > CompiledConstraint.MostTools)
            throw OptionCheck.Invalid($"There are {tools.Count} tools; at most {CompiledConstraint.MostTools} are taken. Give those that may be of use.");
        if (!Enum.IsDefined(choice))
            throw OptionCheck.Invalid($"The choice of tools is {choice}, which is none of the enumeration's.");
        if (choice == ToolChoice.None && name is not null)
            throw OptionCheck.Invalid($"The tool '{name}' is to be called, and none may be. Leave one of the two out.");
        Tool[] all = [.. tools.Select(ToolDefinitions.Read).Distinct()];
        if (all.CountBy(t => t.Name).FirstOrDefault(n => n.Value > 1) is { Key: { } twice })
            throw OptionCheck.Invalid($"Two tools are named '{twice}', and are not the same. Name one otherwise.");
        if (name is not null && !all.Any(t => t.Name == name))
            throw OptionCheck.Invalid($"No tool is named '{name}'.");
        Tool[] callable = choice == ToolChoice.None ? [] : name is null ? all : [all.First(t => t.Name == name)];
        if (choice == ToolChoice.Required && callable.Length == 0)
            throw OptionCheck.Invalid("A call is required, and there is no tool.");
        var request = new ToolRequest(
            prompt.ToolFormat is { } own && (own.Trigger.Length > 0 || otherwise is null) ? own : ToolFormats.Generic, callable, name is null ? choice : ToolChoice.Required, parallel && name is null, otherwise?.Text);
        return Checked(new Constraint(ConstraintKind.Tools, request.Write()));
    }

    /// <summary>Whether a text is one that it allows.</summary>
    public bool Accepts(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return CompiledConstraint.Of(this).Accepts(text);
    }

    private static Constraint Checked(Constraint constraint)
    {
        CompiledConstraint.Of(constraint);
        return constraint;
    }
}

/// <summary>The language of a <see cref="Constraint"/>.</summary>
public enum ConstraintKind
{
    /// <summary>JSON Schema.</summary>
    JsonSchema,

    /// <summary>A regular expression.</summary>
    Regex,

    /// <summary>Tools that may be called, and how; see <see cref="Constraint.Tools"/>.</summary>
    Tools,

    /// <summary>A grammar in GBNF; see <see cref="Constraint.Gbnf"/>.</summary>
    Gbnf,
}
