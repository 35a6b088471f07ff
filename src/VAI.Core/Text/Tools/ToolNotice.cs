using System.Text;
using System.Text.Json;
using VAI.Text.Chat;

namespace VAI.Text.Tools;

/// <summary>Tells a model of its tools whose template has none: in the system's turn, or before what the user says first.</summary>
internal static class ToolNotice
{
    public static List<ChatMessage> Add(List<ChatMessage> messages, IReadOnlyList<JsonElement> tools, ChatTemplateTraits traits)
    {
        var text = new StringBuilder("You can call these tools, each described by a JSON schema:\n");
        foreach (JsonElement tool in tools)
            text.Append(tool.GetRawText().ReplaceLineEndings(" ")).Append('\n');
        text.Append("To call one, write\n<tool_call>\n{\"name\": \"its name\", \"arguments\": {its arguments}}\n</tool_call>\nand nothing behind it.");
        int first = messages.FindIndex(m => m.Role == (traits.SystemRole ? ChatMessage.System : ChatMessage.User));
        if (first >= 0)
            return [.. messages[..first], messages[first] with { Text = $"{text}\n\n{messages[first].Text}" }, .. messages[(first + 1)..]];
        return traits.SystemRole ? [new ChatMessage { Role = ChatMessage.System, Text = text.ToString() }, .. messages] : messages;
    }
}
