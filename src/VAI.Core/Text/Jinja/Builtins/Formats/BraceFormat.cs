using System.Globalization;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Formats;

/// <summary>Python's <c>str.format</c> (string, "Format String Syntax").</summary>
internal static class BraceFormat
{
    public static Value Apply(Rendering run, Value format, CallArguments arguments)
    {
        var all = new TextBuilder(run.Budget);
        int next = 0;
        Apply(run, format, arguments, all, ref next, nested: false);
        return all.ToValue();
    }

    private static void Apply(Rendering run, Value format, CallArguments arguments, TextBuilder all, ref int next, bool nested)
    {
        string text = format.String;
        run.Budget.Read(text.Length);
        int at = 0;
        while (text.AsSpan(at).IndexOfAny('{', '}') is >= 0 and int offset)
        {
            run.Budget.Step();
            int brace = at + offset;
            all.Append(format.Part(at, brace - at));
            if (brace + 1 < text.Length && text[brace + 1] == text[brace])
            {
                all.Append(format.Part(brace, 1));
                at = brace + 2;
                continue;
            }

            int end = text[brace] == '{' ? End(text, brace) : -1;
            if (end < 0)
                throw run.Error($"a format has a '{text[brace]}' alone");
            all.Append(Field(run, format.Part(brace + 1, end - brace - 1), arguments, ref next, nested));
            at = end + 1;
        }

        all.Append(format.Part(at, text.Length - at));
    }

    private static int End(string text, int brace)
    {
        int depth = 0;
        for (int i = brace; i < text.Length; i++)
        {
            depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
            if (depth == 0)
                return i;
        }

        return -1;
    }

    // name!conversion:specification
    private static Value Field(Rendering run, Value field, CallArguments arguments, ref int next, bool nested)
    {
        string text = field.String;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? text : text[..colon];
        char conversion = ' ';
        if (name.Length > 1 && name[^2] == '!')
            (name, conversion) = (name[..^2], name[^1]);
        Value value = Find(run, name, arguments, ref next);
        string specification = "";
        if (colon >= 0)
        {
            if (nested)
                throw run.Error("a format's specification has another in it");
            var inner = new TextBuilder(run.Budget);
            Apply(run, field.Part(colon + 1, text.Length - colon - 1), arguments, inner, ref next, nested: true);
            specification = inner.ToValue().String;
        }

        value = conversion switch
        {
            ' ' => value,
            's' => run.Text.Write(value),
            'r' or 'a' => run.Text.Represent(value, ascii: conversion == 'a'),
            _ => throw run.Error($"a format has the conversion '{conversion}', which is none"),
        };
        return specification.Length == 0 ? run.Text.Write(value) : FormatSpec.Parse(run, specification).Format(run, value);
    }

    private static Value Find(Rendering run, string name, CallArguments arguments, ref int next)
    {
        int end = name.AsSpan().IndexOfAny('.', '[');
        string first = end < 0 ? name : name[..end];
        if (first.Length == 0 && name.Length > 0)
            throw run.Error("a format has an attribute or item without a place");
        bool places = first.Length > 0 && first.All(char.IsAsciiDigit);
        if ((first.Length == 0 && next < 0) || (places && next > 0))
            throw run.Error("a format has places with numbers and without");
        if (places)
            next = -1;
        run.Budget.Among(arguments.Named.Length);
        Value value = first.Length == 0 ? arguments[next++]
            : int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? arguments[index] : arguments[first];
        if (value.IsMissing)
            throw run.Error($"a format has the place '{first}', of which there is no value");
        for (int at = end; at >= 0 && at < name.Length;)
        {
            run.Budget.Step();
            if (name[at] == '[')
            {
                int close = name.IndexOf(']', at);
                if (close <= at + 1)
                    throw run.Error("a format has an item without its index");
                string key = name[(at + 1)..close];
                value = Lookup.Item(run, value, key.All(char.IsAsciiDigit) ? NumberText.ReadInteger(key, run.Budget) : key);
                at = close + 1;
                continue;
            }

            int stop = name.AsSpan(at + 1).IndexOfAny('.', '[') is >= 0 and int offset ? at + 1 + offset : name.Length;
            if (name[at] != '.' || stop == at + 1)
                throw run.Error("a format has an attribute without its name");
            value = Lookup.Attribute(run, value, name[(at + 1)..stop]);
            at = stop;
        }

        return value;
    }
}
