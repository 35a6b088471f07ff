using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins;

/// <summary>Arguments as what a builtin needs.</summary>
internal static class Given
{
    /// <summary>A value as text, as most filters of text take it.</summary>
    public static Value Text(Rendering run, Value value)
    {
        Value text = run.Text.Write(value);
        run.Budget.Read(text.String.Length);
        return text;
    }

    /// <summary>A string; another where it was not given or is none.</summary>
    public static string? String(Rendering run, Value value, string? otherwise, string what) =>
        value.IsMissing || value.IsNone ? otherwise : value.IsText ? value.String : throw run.Error($"{what} is a string, and {What.Is(value)} was given");

    public static string String(Rendering run, Value value, string what) =>
        String(run, value, null, what) ?? throw run.Error($"{what} is missing");

    /// <summary>An integer; another where it was not given or is none.</summary>
    public static int Integer(Rendering run, Value value, int otherwise, string what)
    {
        if (value.IsMissing || value.IsNone)
            return otherwise;
        if (!value.IsInteger)
            throw run.Error($"{what} is an integer, and {What.Is(value)} was given");
        return value.IsBig || Math.Abs(value.Int64) > int.MaxValue ? throw run.Error($"{what} is too large") : (int)value.Int64;
    }

    public static bool Flag(Value value, bool otherwise) => value.IsMissing ? otherwise : Truth.Of(value);

    /// <summary>Something that was given, or an error.</summary>
    public static Value Needed(Rendering run, Value value, string what) => value.IsMissing ? throw run.Error($"{what} is missing") : value;
}
