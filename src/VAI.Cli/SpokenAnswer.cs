using System.Text;

namespace VAI.Cli;

/// <summary>An answer as it comes: what is said goes to standard output, what is thought, apart from it, to standard error.</summary>
/// <param name="shows">Whether anything is written; else it is only kept.</param>
/// <param name="dims">Whether thoughts are dimmed where somebody looks at them.</param>
internal sealed class SpokenAnswer(bool shows, bool dims)
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _thought = new();

    public string Text => _text.ToString();

    /// <summary>Null where nothing was thought.</summary>
    public string? Thought => _thought.Length > 0 ? _thought.ToString() : null;

    public void Add(string more, InferenceUpdateKind kind)
    {
        bool thinks = kind == InferenceUpdateKind.Reasoning;
        if (shows && more.Length > 0)
        {
            if (!thinks && _text.Length == 0 && _thought.Length > 0)
                Console.Error.Write("\n\n");
            if (thinks)
                Console.Error.Write(dims && !Console.IsErrorRedirected ? $"\e[2m{more}\e[0m" : more);
            else
                Console.Out.Write(more);
        }

        (thinks ? _thought : _text).Append(more);
    }
}
