using VAI.Native.Text;
using VAI.OptionRules;

namespace VAI.Text;

/// <summary>A text that is to become tokens.</summary>
/// <param name="Text">It.</param>
/// <param name="AddSpecial">Adds what the model wants around a prompt.</param>
/// <param name="ParseSpecial">Reads the text of control tokens as those tokens.</param>
internal sealed record TokenText(string Text, bool AddSpecial, bool ParseSpecial)
{
    /// <summary>Where it is no longer the template's but the caller's, and the other way round; null where control tokens are read everywhere.</summary>
    public IReadOnlyList<int>? Flips { get; init; }

    /// <summary>Whether what is added is left out where the text already has it, as many templates write it too.</summary>
    public bool Once { get; init; }

    /// <summary>Whose its parts are.</summary>
    /// <exception cref="VaiUsageException">The places are none of the text's, or not ascending.</exception>
    public Origins Origins
    {
        get
        {
            int last = 0;
            foreach (int flip in Flips ?? [])
            {
                if (flip < last || flip > Text.Length)
                    throw OptionCheck.Invalid("The places where the origin of a text changes must ascend, and be in it.");
                last = flip;
            }

            return new Origins(Flips);
        }
    }

    /// <summary>What goes on what a session holds.</summary>
    public static TokenText Prompt(TextPrompt prompt, int held) => new(prompt.Text, AddSpecial: held == 0, ParseSpecial: true) { Flips = prompt.Flips, Once = true };
}

/// <summary>A prompt that is text.</summary>
/// <param name="Text">It.</param>
/// <param name="Flips">As <see cref="TokenText.Flips"/>.</param>
internal readonly record struct TextPrompt(string Text, IReadOnlyList<int>? Flips)
{
    public static TextPrompt Of(ChatPrompt prompt) => new(prompt.Text, prompt.Flips.Count == 0 ? null : prompt.Flips);
}
