using System.Text.Json;
using System.Text.Json.Serialization;
using VAI.Text.Constraints;

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
    public static Constraint JsonSchema(JsonElement schema) => Checked(new Constraint(ConstraintKind.JsonSchema, schema.GetRawText()));

    /// <summary>A text that a regular expression matches as a whole (ECMA-262, without looking around, back references and <c>\b</c>).</summary>
    /// <param name="pattern">The expression.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidConstraint"/>, with the place in the pattern.</exception>
    public static Constraint Regex(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return Checked(new Constraint(ConstraintKind.Regex, pattern));
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
}
