using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Syntax;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja;

/// <summary>A template that was read: nothing of it changes, and any number of threads may render it.</summary>
internal sealed class Template
{
    private Template(string source, IReadOnlyList<Statement> body)
    {
        Source = source;
        Body = body;
    }

    public string Source { get; }

    /// <summary>Its statements, in order.</summary>
    public IReadOnlyList<Statement> Body { get; }

    /// <summary>Reads a template.</summary>
    /// <exception cref="TemplateError">It is none.</exception>
    public static Template Parse(string source) => new(source, TemplateParser.Read(source));

    /// <summary>Renders it.</summary>
    /// <param name="context">Names and their values.</param>
    /// <param name="size">Of the context: values and characters of their texts.</param>
    /// <param name="time">Of <c>strftime_now</c>.</param>
    /// <returns>The text, and which parts of it the caller gave.</returns>
    /// <exception cref="TemplateError">The conversation is none for it, or it does more than a template may.</exception>
    public Value Render(ValueDict context, ContextSize size, TimeProvider time) =>
        new Rendering(new Budget(size.Steps, size.MostOutput), time).Render(Body, context);
}

/// <summary>How much a template is given, which says how much it may do.</summary>
/// <param name="Values">Values within each other, all counted.</param>
/// <param name="Chars">Characters of their texts, UTF-16 units.</param>
internal readonly record struct ContextSize(long Values, long Chars)
{
    public long Steps => 1_000_000 + (500 * Values) + (Chars / 2);

    /// <summary>Characters of the longest text that a template may make: a few times the conversation, and room for its own words.</summary>
    public int MostOutput => (int)Math.Min((4 * Chars) + (1 << 20), 1 << 23);
}
