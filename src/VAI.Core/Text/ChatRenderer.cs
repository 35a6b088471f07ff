using VAI.Native.Llama;
using VAI.OptionRules;

namespace VAI.Text;

/// <summary>Turns a conversation into a prompt.</summary>
internal interface IChatRenderer
{
    /// <param name="model">The model's name, for messages.</param>
    /// <param name="template">Its template (Jinja); null for ChatML.</param>
    /// <param name="turns">The conversation.</param>
    /// <param name="addGenerationPrompt">Whether the assistant's next turn is begun.</param>
    /// <exception cref="VaiUsageException">As <see cref="IModelContext.RenderChatAsync"/>.</exception>
    string Render(string model, string? template, IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt);
}

/// <summary>llama.cpp's own renderer: it knows the common templates by their marks and runs no Jinja.</summary>
internal sealed class NativeChatRenderer : IChatRenderer
{
    private const int MaxTurns = 4096;

    public string Render(string model, string? template, IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt)
    {
        OptionCheck.Range(turns.Count, 1, MaxTurns, "The number of turns");
        foreach (ChatTurn turn in turns)
        {
            if (string.IsNullOrEmpty(turn?.Role) || turn.Content is null || turn.Role.Contains('\0') || turn.Content.Contains('\0'))
                throw OptionCheck.Invalid("A turn of the conversation has no role or no content, or holds a NUL character. Give both as text.");
        }

        return LlamaChat.Render(template, [.. turns.Select(t => (t.Role, t.Content))], addGenerationPrompt)
            ?? throw new VaiUsageException(
                VaiError.NotSupported,
                $"The chat template of '{model}' is none of those that llama.cpp can render. Write the prompt yourself, and send it as a completion.");
    }
}
