using System.Text.Json;
using VAI.Text.Constraints;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>How a request says what its answer must be: OpenAI's, llama-server's and vLLM's ways of it.</summary>
internal static class ConstraintFields
{
    private const int MostChoices = 10_000;

    /// <returns>Null where the answer is free.</returns>
    /// <exception cref="ApiError">400, naming the field.</exception>
    public static Constraint? Read(Fields fields)
    {
        (string Field, Constraint Constraint)? found = null;
        if (fields.Take("response_format") is { } format && Format(fields, format) is { } asked)
            Add("response_format", asked);
        if (fields.Take("json_schema") is { } schema)
            Add("json_schema", Schema("json_schema", schema));
        if (fields.Take("guided_json") is { } guided)
            Add("guided_json", Schema("guided_json", guided));
        if (fields.Text("guided_regex") is { } pattern)
            Add("guided_regex", Held("guided_regex", () => Constraint.Regex(pattern)));

        // An empty one is how some say that there is none.
        if (fields.Text("grammar") is { Length: > 0 } grammar)
            Add("grammar", Held("grammar", () => Constraint.Gbnf(grammar)));
        if (fields.Take("guided_choice") is { } choice)
            Add("guided_choice", Choice(choice));
        return found?.Constraint;

        void Add(string field, Constraint constraint) =>
            found = found is null ? (field, constraint) : throw ApiError.Invalid(field, $"'{found.Value.Field}' and '{field}' both say what the answer must be. Send one.");
    }

    private static Constraint? Format(Fields fields, JsonElement format)
    {
        Fields members = fields.Inner(format, "response_format");
        switch (members.Text("type"))
        {
            case "text":
                members.End();
                return null;
            case "json_object":
                Constraint constraint = members.Take("schema") is { } schema ? Schema("response_format.schema", schema) : Constraint.JsonObject;
                members.End();
                return constraint;
            case "json_schema":
                Fields inner = members.Inner(members.Take("json_schema") ?? throw Fields.Missing("response_format.json_schema"), "response_format.json_schema");
                inner.Text("name");
                inner.Text("description");

                // What can be held is held either way.
                inner.Flag("strict");
                Constraint held = Schema("response_format.json_schema.schema", inner.Take("schema") ?? throw Fields.Missing("response_format.json_schema.schema"));
                inner.End();
                members.End();
                return held;
            default:
                throw ApiError.Invalid("response_format.type", "'response_format.type' must be text, json_object or json_schema.");
        }
    }

    private static Constraint Schema(string field, JsonElement schema) => schema.ValueKind == JsonValueKind.String
        ? Held(field, () => Constraint.JsonSchema(schema.GetString()!)) : Held(field, () => Constraint.JsonSchema(schema));

    private static Constraint Choice(JsonElement choice)
    {
        if (choice.ValueKind != JsonValueKind.Array || choice.GetArrayLength() is 0 or > MostChoices || choice.EnumerateArray().Any(c => c.ValueKind != JsonValueKind.String))
            throw ApiError.Invalid("guided_choice", $"'guided_choice' must be an array of 1 to {MostChoices} texts.");
        string pattern = string.Join('|', choice.EnumerateArray().Select(c => MarkedGrammar.Escape(c.GetString()!)));
        return Held("guided_choice", () => Constraint.Regex(pattern));
    }

    private static Constraint Held(string field, Func<Constraint> of)
    {
        try
        {
            return of();
        }
        catch (VaiUsageException e) when (e.Code == VaiError.InvalidConstraint)
        {
            throw ApiError.Invalid(field, e.Message);
        }
    }
}
