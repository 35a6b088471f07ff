using System.Text.Json;
using VAI.Text.Constraints;
using VAI.Text.Tools;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>The tools of a chat, and whether they are called.</summary>
/// <param name="Tools">All of them; empty for none.</param>
/// <param name="Callable">Those that may be called.</param>
/// <param name="Choice">Whether one is.</param>
/// <param name="Name">The one that must be; null for any.</param>
/// <param name="Parallel">Whether there may be several calls.</param>
internal sealed record ToolFields(
    IReadOnlyList<JsonElement> Tools, IReadOnlyList<JsonElement> Callable, ToolChoice Choice, string? Name, bool Parallel)
{
    /// <exception cref="ApiError">400, naming the field.</exception>
    public static ToolFields Read(Fields fields)
    {
        IReadOnlyList<JsonElement> tools = List(fields, "tools") ?? [];
        string[] names = [.. tools.Select(NameOf)];
        bool parallel = fields.Flag("parallel_tool_calls") ?? true;
        if (fields.Take("tool_choice") is not { } choice)
            return new ToolFields(tools, tools, ToolChoice.Auto, null, parallel);
        if (choice.ValueKind == JsonValueKind.String)
        {
            ToolChoice said = ChoiceOf(choice.GetString()!, "tool_choice");
            if (said == ToolChoice.Required && tools.Count == 0)
                throw ApiError.Invalid("tool_choice", "'tool_choice' is required, and there are no 'tools'.");
            return new ToolFields(tools, tools, said, null, parallel);
        }

        Fields members = fields.Inner(choice, "tool_choice");
        switch (members.Text("type"))
        {
            case "function":
                string name = Function(members);
                members.End();
                Named(tools, names, name);
                return new ToolFields(tools, tools, ToolChoice.Required, name, parallel);
            case "allowed_tools":
                Fields allowed = members.Inner(members.Take("allowed_tools") ?? throw Fields.Missing("tool_choice.allowed_tools"), "tool_choice.allowed_tools");
                ToolChoice mode = ChoiceOf(allowed.Text("mode") ?? "auto", "tool_choice.allowed_tools.mode");
                List<JsonElement> callable = [.. (List(allowed, "tools") ?? []).Select(t => Named(tools, names, Function(members.Inner(t, "tool_choice.allowed_tools.tools"))))];
                allowed.End();
                members.End();
                if (mode == ToolChoice.Required && callable.Count == 0)
                    throw ApiError.Invalid("tool_choice", "'tool_choice' requires a call, and allows no tool.");
                return new ToolFields(tools, callable, mode, null, parallel);
            default:
                throw ApiError.Invalid("tool_choice.type", "'tool_choice.type' must be function or allowed_tools.");
        }
    }

    /// <summary>A list of tools; null where there is none.</summary>
    public static IReadOnlyList<JsonElement>? List(Fields fields, string field)
    {
        if (fields.Take(field) is not { } tools)
            return null;
        string name = fields.NameOf(field);
        if (tools.ValueKind != JsonValueKind.Array)
            throw Fields.WrongType(name, "an array", tools);
        if (tools.GetArrayLength() > CompiledConstraint.MostTools)
            throw ApiError.Invalid(name, $"'{name}' has {tools.GetArrayLength()} tools; at most {CompiledConstraint.MostTools} are taken.");
        return [.. tools.EnumerateArray().Select(t => t.ValueKind == JsonValueKind.Object ? t.Clone() : throw Fields.WrongType(name, "an array of objects", t))];
    }

    /// <summary>What holds the answer to it.</summary>
    /// <exception cref="ApiError">400: a strict schema cannot be held.</exception>
    public Constraint? For(ChatPrompt prompt, Constraint? otherwise)
    {
        // Where nothing is called, any constraint is the answer's own.
        if (Tools.Count == 0 || (Choice == ToolChoice.None && otherwise is { Kind: not ConstraintKind.JsonSchema }))
            return otherwise;
        try
        {
            return Constraint.Tools(prompt, Callable, Choice, Name, Parallel, otherwise);
        }
        catch (VaiUsageException e) when (e.Code is VaiError.InvalidConstraint or VaiError.InvalidOption)
        {
            throw ApiError.Invalid("tools", e.Message);
        }
    }

    private static ToolChoice ChoiceOf(string choice, string name) => choice switch
    {
        "auto" => ToolChoice.Auto,
        "none" => ToolChoice.None,
        "required" or "any" => ToolChoice.Required,
        _ => throw ApiError.Invalid(name, $"'{name}' must be none, auto or required."),
    };

    private static string Function(Fields of)
    {
        if (of.Text("type") is not (null or "function"))
            throw ApiError.Invalid(of.NameOf("type"), $"'{of.NameOf("type")}' must be function.");
        if (of.Take("function") is not { } function)
            return of.Text("name") ?? throw Fields.Missing(of.NameOf("function"));
        Fields inner = of.Inner(function, of.NameOf("function"));
        string name = inner.Text("name") ?? throw Fields.Missing(inner.NameOf("name"));
        inner.End();
        return name;
    }

    private static string NameOf(JsonElement tool)
    {
        try
        {
            return ToolDefinitions.Read(tool).Name;
        }
        catch (VaiUsageException e)
        {
            throw ApiError.Invalid("tools", e.Message);
        }
    }

    private static JsonElement Named(IReadOnlyList<JsonElement> tools, string[] names, string name) => Array.IndexOf(names, name) is >= 0 and int at
        ? tools[at] : throw ApiError.Invalid("tool_choice", $"'tool_choice' names the tool '{name}', which is not among 'tools'.");
}
