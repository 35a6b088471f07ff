using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace VAI.Text.Chat;

/// <summary>
/// Makes of a conversation one that its template takes, and says what was done: nothing of it is left out. What a template cannot write by itself
/// stands in another turn, as models are used to read it.
/// </summary>
internal static class ChatRepairs
{
    private const int MostJsonDepth = 32;

    /// <returns>The messages, and what was done to them.</returns>
    public static (List<ChatMessage> Messages, List<string> Done) Apply(List<ChatMessage> messages, ChatTemplateTraits traits)
    {
        var done = new List<string>();
        if (!traits.ReasoningHistory && messages.Exists(m => m.Reasoning is not null))
            done.Add("what the assistant thought is left out, as the template writes none of it");
        if (!traits.ToolCalls && messages.Exists(m => m.Calls.Count > 0))
        {
            messages = messages.ConvertAll(Spoken);
            done.Add("calls of tools stand in the assistant's text, as the template writes none");
        }

        if (!traits.ToolResults && messages.Exists(IsResult))
        {
            messages = Told(messages);
            done.Add("results of tools stand in a user's turn, as the template writes none");
        }
        else
        {
            messages = Ordered(messages, done);
        }

        if (!traits.SystemAnywhere && messages.FindLastIndex(IsSystem) > 0)
        {
            messages = Gathered(messages);
            done.Add("the system's texts are one turn, the first, as the template takes no other");
        }

        if (!traits.SystemRole && messages.Exists(IsSystem))
        {
            messages = Merged(messages);
            done.Add("the system's text stands before the first user's, as the template has no turn for it");
        }

        return (messages, done);
    }

    /// <summary>Turns of one role in a row are one: for a template that refuses them.</summary>
    public static List<ChatMessage>? Alternating(List<ChatMessage> messages)
    {
        var all = new List<ChatMessage>();
        foreach (ChatMessage message in messages)
        {
            if (all.Count > 0 && all[^1].Role == message.Role && message.Role is ChatMessage.User or ChatMessage.Assistant && all[^1].Calls.Count == 0)
                all[^1] = Join(all[^1], message);
            else
                all.Add(message);
        }

        return all.Count < messages.Count ? all : null;
    }

    private static bool IsSystem(ChatMessage message) => message.Role == ChatMessage.System;

    private static bool IsResult(ChatMessage message) => message.Role == ChatMessage.Tool;

    private static ChatMessage Join(ChatMessage first, ChatMessage second) => first with
    {
        Text = first.Text.Length == 0 ? second.Text : second.Text.Length == 0 ? first.Text : $"{first.Text}\n\n{second.Text}",
        ParseSpecial = first.ParseSpecial && second.ParseSpecial,
        Reasoning = first.Reasoning is null ? second.Reasoning : first.Reasoning + second.Reasoning,
        Calls = [.. first.Calls, .. second.Calls],
    };

    private static List<ChatMessage> Gathered(List<ChatMessage> messages)
    {
        ChatMessage system = messages.Where(IsSystem).Aggregate(Join);
        return [system, .. messages.Where(m => !IsSystem(m))];
    }

    private static List<ChatMessage> Merged(List<ChatMessage> messages)
    {
        ChatMessage system = messages.Where(IsSystem).Aggregate(Join) with { Role = ChatMessage.User };
        List<ChatMessage> others = messages.FindAll(m => !IsSystem(m));
        int user = others.FindIndex(m => m.Role == ChatMessage.User);
        if (user != 0)
            return [system, .. others];
        others[0] = Join(system, others[0]) with { Name = others[0].Name };
        return others;
    }

    // As the calls came, whatever the order in which they were answered.
    private static List<ChatMessage> Ordered(List<ChatMessage> messages, List<string> done)
    {
        bool moved = false;
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i].Calls.Count < 2)
                continue;
            int end = i + 1;
            while (end < messages.Count && IsResult(messages[end]))
                end++;
            List<string?> order = [.. messages[i].Calls.Select(c => c.Id)];
            List<ChatMessage> results = messages.GetRange(i + 1, end - i - 1);
            if (!results.TrueForAll(r => r.CallId is not null && order.Contains(r.CallId)))
                continue;
            List<ChatMessage> sorted = [.. results.OrderBy(r => order.IndexOf(r.CallId))];
            if (sorted.SequenceEqual(results))
                continue;
            messages = [.. messages[..(i + 1)], .. sorted, .. messages[end..]];
            moved = true;
        }

        if (moved)
            done.Add("results of tools stand in the order of the calls");
        return messages;
    }

    // The form of Hermes, which many models know: a call in the assistant's turn, results in a user's.
    private static ChatMessage Spoken(ChatMessage message)
    {
        if (message.Calls.Count == 0)
            return message;
        var text = new StringBuilder(message.Text);
        foreach (ToolCallPart call in message.Calls)
        {
            if (text.Length > 0)
                text.Append('\n');
            text.Append("<tool_call>\n{\"name\": ").Append(Quoted(call.Name)).Append(", \"arguments\": ")
                .Append(IsJson(call.Arguments) ? call.Arguments.Trim() : Quoted(call.Arguments)).Append("}\n</tool_call>");
        }

        return message with { Text = text.ToString(), Calls = [] };
    }

    private static List<ChatMessage> Told(List<ChatMessage> messages)
    {
        var all = new List<ChatMessage>();
        bool open = false;
        foreach (ChatMessage message in messages)
        {
            if (!IsResult(message))
            {
                all.Add(message);
                open = false;
                continue;
            }

            var told = new ChatMessage
            {
                Role = ChatMessage.User,
                Text = $"<tool_response>\n{message.Text}\n</tool_response>",
                ParseSpecial = message.ParseSpecial,
            };

            // Results of one round of calls are one turn.
            if (open)
                all[^1] = all[^1] with { Text = $"{all[^1].Text}\n{told.Text}", ParseSpecial = all[^1].ParseSpecial && told.ParseSpecial };
            else
                all.Add(told);
            open = true;
        }

        return all;
    }

    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MostJsonDepth });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
