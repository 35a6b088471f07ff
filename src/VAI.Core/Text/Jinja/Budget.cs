using System.Runtime.CompilerServices;

namespace VAI.Text.Jinja;

/// <summary>
/// What a rendering may cost: a template comes from whoever made the model's file, so it ends in an error of its own, never in a hang, an exhausted
/// stack or gigabytes.
/// </summary>
/// <param name="steps">Expressions, statements and items; each <see cref="CharsOfStep"/> characters written are one too.</param>
/// <param name="mostChars">Characters of the longest text, UTF-16 units.</param>
internal sealed class Budget(long steps, int mostChars)
{
    private readonly long _steps = steps;

    /// <summary>Most expressions, statements, calls and lists within each other.</summary>
    public const int MostDepth = 1_000;

    /// <summary>Calls of macros within each other.</summary>
    public const int MostCalls = 64;

    private const int CharsOfStep = 32;
    private const int CharsOfSeek = 256;
    private const int NamesOfStep = 32;

    private long _left = steps;
    private long _chars;
    private int _depth;

    /// <summary>Of the template, where it is now; from 1.</summary>
    public int Line { get; set; } = 1;

    public void Step()
    {
        if (--_left < 0)
            throw Spent();
    }

    public void Spend(long steps)
    {
        if ((_left -= steps) < 0)
            throw Spent();
    }

    /// <summary>Characters that are looked through.</summary>
    public void Read(long chars)
    {
        // What is no whole step yet is kept: texts are put together by single characters as well.
        _chars += chars;
        Spend(_chars / CharsOfStep);
        _chars %= CharsOfStep;
    }

    /// <summary>Characters in which others are looked for: many of these may be compared again and again.</summary>
    public void Seek(long chars, int sought) => Spend(chars / CharsOfStep * (1 + (sought / CharsOfSeek)));

    /// <summary>Names among which one is looked for, one after the other.</summary>
    public void Among(int names) => Spend(names / NamesOfStep);

    /// <summary>Characters that are about to be written.</summary>
    /// <param name="chars">How many.</param>
    /// <param name="behind">Behind how many of the same text.</param>
    public void Write(long chars, long behind = 0)
    {
        if (behind + chars > mostChars)
            throw Error($"a text would have more than {mostChars} characters");
        Read(chars);
    }

    /// <summary>Enters something that may hold the same again; <see cref="Leave"/> goes with it.</summary>
    public void Enter()
    {
        Step();
        if (++_depth > MostDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Error($"more than {MostDepth} expressions, statements and lists are within each other");
    }

    public void Leave() => _depth--;

    public TemplateError Error(string what) => new(Line, what);

    private TemplateError Spent() => Error($"the template does more than {_steps} steps");
}
