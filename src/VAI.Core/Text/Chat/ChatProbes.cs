using System.Text.Json;
using VAI.Text.Jinja;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Chat;

/// <summary>Finds out what a template can take: renders small conversations that differ in one thing, and looks at what it writes of it.</summary>
internal sealed class ChatProbes
{
    private const string System = "PROBE-SYSTEM", User = "PROBE-USER", Answer = "PROBE-ANSWER", Thought = "PROBE-THOUGHT";
    private const string Tool = "probe_tool", Key = "probe_key", Held = "probe_value", Result = "PROBE-RESULT", CallId = "call12345";

    private static readonly JsonElement ToolDefinition = Parse(
        $$$"""{"type":"function","function":{"name":"{{{Tool}}}","description":"d","parameters":{"type":"object","properties":{"{{{Key}}}":{"type":"string"} } } } }""");

    private static readonly ChatMessage TheUser = new() { Role = ChatMessage.User, Text = User };
    private static readonly ChatMessage TheAnswer = new() { Role = ChatMessage.Assistant, Text = Answer };

    private readonly Template _template;
    private readonly string _bos;
    private readonly string _eos;
    private TemplateForm _form;

    private ChatProbes(Template template, string bos, string eos) => (_template, _bos, _eos) = (template, bos, eos);

    public static (ChatTemplateTraits Traits, TemplateForm Form) Run(Template template, string bos, string eos) => new ChatProbes(template, bos, eos).Run();

    private (ChatTemplateTraits Traits, TemplateForm Form) Run()
    {
        bool text = Has(Render([TheUser]), User) && !Has(Render([TheUser]), "'type'");
        _form = new TemplateForm(TypedContent: true, false, default);
        string? parts = Render([TheUser]);
        bool typed = Has(parts, User) && !Has(parts, "'type'") && !Has(parts, "\"type\"");
        _form = new TemplateForm(TypedContent: typed && !text, false, default);
        string? plain = Render([TheUser]);
        if (plain is null)
            return (new ChatTemplateTraits(), _form);
        bool objects = WantsObjects(out string? calls);
        _form = _form with { ObjectArguments = objects };
        (ReasoningField field, string? thought) = FindReasoning();
        _form = _form with { Reasoning = field };
        string? results = Render([TheUser, Calling(), new ChatMessage { Role = ChatMessage.Tool, Text = Result, CallId = CallId, Name = Tool }], tools: true);
        var system = new ChatMessage { Role = ChatMessage.System, Text = System };
        string? late = Render([TheUser, TheAnswer, system, TheUser]);
        string? several = Render([system, system with { Text = System + "2" }, TheUser]);
        var traits = new ChatTemplateTraits
        {
            Renders = true,
            TextContent = text,
            TypedContent = typed,
            SystemRole = Has(Render([system, TheUser]), System),
            SystemAnywhere = Has(late, System) && Has(several, System + "2") && CountOf(several, System) == 2,
            Tools = Has(Render([TheUser], tools: true), Tool),
            ToolCalls = Has(calls, Tool),
            ToolResults = Has(results, Result) && Has(calls, Tool),
            ObjectArguments = objects,
            ReasoningHistory = field != ReasoningField.None,
            GenerationPrompt = Render([TheUser], more: true) is { } begun && begun.Length > plain.Length,
            ThinkingSwitch = Differ("enable_thinking", false, true),
            ReasoningEffort = Differ("reasoning_effort", "low", "high"),
            RepeatedRoles = Render([TheUser, TheUser]) is not null,
            Reasoning = ReasoningMarks.Find(_template.Source, thought, Thought, Answer),
        };
        return (traits, _form);
    }

    // A text is given as it came, unless it would be written once more as JSON, or cannot be.
    private bool WantsObjects(out string? calls)
    {
        string? asText = Render([TheUser, Calling()], tools: true);
        _form = _form with { ObjectArguments = true };
        string? asObject = Render([TheUser, Calling()], tools: true);
        bool textIsGood = Has(asText, Held) && !Has(asText, $"\\\"{Key}\\\"");
        bool objectIsGood = Has(asObject, Held) && !Has(asObject, $"'{Key}': '");
        calls = !textIsGood && asObject is not null ? asObject : asText;
        return !textIsGood && (objectIsGood || asText is null || !Has(asText, Held));
    }

    private (ReasoningField Field, string? Text) FindReasoning()
    {
        TemplateForm form = _form;
        foreach (ReasoningField field in new[] { ReasoningField.ReasoningContent, ReasoningField.Thinking, ReasoningField.Reasoning, ReasoningField.Typed })
        {
            _form = form with { Reasoning = field };

            // Some write it only of a turn that calls.
            string? text = Render([TheUser, TheAnswer with { Reasoning = Thought }]);
            if (!Written(text))
                text = Render([TheUser, Calling() with { Reasoning = Thought }], tools: true);
            _form = form;
            if (Written(text))
                return (field, text);
        }

        return (ReasoningField.None, null);

        static bool Written(string? text) => Has(text, Thought) && !Has(text, "'thinking'") && !Has(text, "\"thinking\"");
    }

    private static ChatMessage Calling() => new() { Role = ChatMessage.Assistant, Calls = [new ToolCallPart(Tool, $$"""{"{{Key}}": "{{Held}}"}""", CallId)] };

    private bool Differ(string name, Value one, Value other)
    {
        string? without = Render([TheUser], more: true), first = Render([TheUser], more: true, name, one), second = Render([TheUser], more: true, name, other);
        return first != second || first != without;
    }

    private string? Render(IReadOnlyList<ChatMessage> messages, bool more = false, string? name = null, Value value = default, bool tools = false)
    {
        var context = new ChatContext(_form);
        context.Set("bos_token", _bos);
        context.Set("eos_token", _eos);
        context.Set("add_generation_prompt", more);
        context.SetMessages(messages);
        if (tools)
            context.SetTools([ToolDefinition]);
        if (name is not null)
            context.Set(name, value);
        try
        {
            return _template.Render(context.Names, context.Size, TimeProvider.System).String;
        }
        catch (TemplateError)
        {
            return null;
        }
    }

    private static bool Has(string? text, string part) => text is not null && text.Contains(part, StringComparison.Ordinal);

    private static int CountOf(string? text, string part) => text is null ? 0 : text.AsSpan().Count(part);

    private static JsonElement Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
