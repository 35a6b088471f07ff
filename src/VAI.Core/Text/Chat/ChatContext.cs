using System.Text.Json;
using VAI.Text.Jinja;
using VAI.Text.Jinja.Builtins;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Chat;

/// <summary>What a template is given: the names that published templates know, and their values.</summary>
internal sealed class ChatContext
{
    private const int MostJsonDepth = 64;

    private static readonly Dictionary<string, Value> Roles =
        new[] { ChatMessage.System, ChatMessage.User, ChatMessage.Assistant, ChatMessage.Tool }.ToDictionary(r => r, r => (Value)r);

    private readonly TemplateForm _form;
    private ContextSize _size;

    /// <param name="form">In which form the template reads messages.</param>
    public ChatContext(TemplateForm form) => _form = form;

    public ValueDict Names { get; } = new(16);

    public ContextSize Size => _size;

    public void Set(string name, Value value) => Names.Set(name, value);

    public void Set(string name, JsonElement value) => Names.Set(name, JsonValues.Read(value, ref _size));

    public void SetMessages(IReadOnlyList<ChatMessage> messages)
    {
        var list = new List<Value>(messages.Count);
        foreach (ChatMessage message in messages)
            list.Add(Message(message));
        Names.Set("messages", new ValueList(list, isCallers: true));
    }

    public void SetTools(IReadOnlyList<JsonElement> tools) =>
        Names.Set("tools", new ValueList([.. tools.Select(t => JsonValues.Read(t, ref _size))], isCallers: true));

    private ValueDict Message(ChatMessage message)
    {
        var dict = new ValueDict(4, isCallers: true);
        dict.Set("role", Roles.TryGetValue(message.Role, out Value role) ? role : Text(message.Role, message));
        Value text = Text(message.Text, message);
        dict.Set("content", _form.Reasoning == ReasoningField.Typed && message.Reasoning is not null
            ? new ValueList([Typed("thinking", "thinking", Text(message.Reasoning, message)), Typed("text", "text", text)], isCallers: true)
            : _form.TypedContent ? new ValueList([Typed("text", "text", text)], isCallers: true) : text);
        if (message.Reasoning is not null && FieldOf(_form.Reasoning) is { } field)
            dict.Set(field, Text(message.Reasoning, message));
        if (message.Calls.Count > 0)
            dict.Set("tool_calls", new ValueList([.. message.Calls.Select(c => (Value)Call(c, message))], isCallers: true));
        if (message.CallId is not null)
            dict.Set("tool_call_id", Text(message.CallId, message));
        if (message.Name is not null)
            dict.Set("name", Text(message.Name, message));
        _size = _size with { Values = _size.Values + 4 };
        return dict;
    }

    private ValueDict Call(ToolCallPart call, ChatMessage message)
    {
        var function = new ValueDict(2, isCallers: true);
        function.Set("name", Text(call.Name, message));
        function.Set("arguments", _form.ObjectArguments ? Arguments(call.Arguments, message) : Text(call.Arguments, message));
        var dict = new ValueDict(3, isCallers: true);
        if (call.Id is not null)
            dict.Set("id", Text(call.Id, message));
        dict.Set("type", "function");
        dict.Set("function", function);
        return dict;
    }

    // A model may have written anything.
    private Value Arguments(string arguments, ChatMessage message)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(arguments, new JsonDocumentOptions { MaxDepth = MostJsonDepth });
            return JsonValues.Read(document.RootElement, ref _size);
        }
        catch (Exception e) when (e is JsonException or VaiUsageException)
        {
            return Text(arguments, message);
        }
    }

    private Value Text(string text, ChatMessage message)
    {
        _size = _size with { Chars = _size.Chars + text.Length, Values = _size.Values + 1 };
        return Value.Text(text, callers: !message.ParseSpecial);
    }

    private static ValueDict Typed(string type, string field, Value text)
    {
        var part = new ValueDict(2, isCallers: true);
        part.Set("type", type);
        part.Set(field, text);
        return part;
    }

    private static string? FieldOf(ReasoningField field) => field switch
    {
        ReasoningField.ReasoningContent => "reasoning_content",
        ReasoningField.Thinking => "thinking",
        ReasoningField.Reasoning => "reasoning",
        _ => null,
    };
}
