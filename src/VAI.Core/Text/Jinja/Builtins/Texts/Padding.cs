using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Texts;

/// <summary>Texts brought to a width, in code points.</summary>
internal static class Padding
{
    /// <summary>With what fills it on the left.</summary>
    public static Value Left(Rendering run, Value text, int width, string fill) => Pad(run, text, Missing(text, width), 0, fill);

    /// <summary>With what fills it on the right.</summary>
    public static Value Right(Rendering run, Value text, int width, string fill) => Pad(run, text, 0, Missing(text, width), fill);

    /// <summary>As <c>str.center</c>, whose odd blank stands left where the width is odd.</summary>
    public static Value Center(Rendering run, Value text, int width, string fill)
    {
        int missing = Missing(text, width);
        int left = (missing / 2) + (missing & width & 1);
        return Pad(run, text, left, missing - left, fill);
    }

    private static int Missing(Value text, int width) => Math.Max(0, width - CodePoints.Count(text.String));

    private static Value Pad(Rendering run, Value text, int left, int right, string fill)
    {
        if (CodePoints.Count(fill) != 1)
            throw run.Error("what fills a width is one character");
        run.Budget.Write(Math.Max(left, right));
        var all = new TextBuilder(run.Budget);
        for (int i = 0; i < left; i++)
            all.Append(fill, callers: false);
        all.Append(text);
        for (int i = 0; i < right; i++)
            all.Append(fill, callers: false);
        return all.ToValue();
    }
}
