using System.Globalization;

namespace VAI.Text.Jinja.Values;

/// <summary>A value as Python's <c>str</c> and <c>repr</c> write it.</summary>
internal sealed class PythonText(Budget budget)
{
    /// <summary><c>str(value)</c>: a text is itself, nothing is written of what is undefined.</summary>
    public Value Write(Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Text:
                return value;
            case ValueKind.Undefined:
                return "";
            case ValueKind.None:
                return "None";
            case ValueKind.Boolean:
                return value.Boolean ? "True" : "False";
            case ValueKind.Integer:
                return NumberText.WriteInteger(value, budget);
            case ValueKind.Float:
                return NumberText.Write(value.Float);
            default:
                return Represent(value);
        }
    }

    /// <summary><c>repr(value)</c>; all of it counts as the caller's where any of it is.</summary>
    /// <param name="value">It.</param>
    /// <param name="ascii">Whether what is not ASCII is escaped.</param>
    public Value Represent(Value value, bool ascii = false)
    {
        var text = new TextBuilder(budget);
        bool callers = false;
        Represent(value, text, ref callers);
        return Value.Text(ascii ? Ascii(text.Take()) : text.Take(), callers);
    }

    private void Represent(Value value, TextBuilder text, ref bool callers)
    {
        budget.Enter();
        switch (value.Kind)
        {
            case ValueKind.Text:
                callers |= value.IsCallers || value.Mixed is not null;
                Quote(value.String, text);
                break;
            case ValueKind.Undefined:
                text.Append("Undefined");
                break;
            case ValueKind.List when value.List.Range is { } range:
                text.Append(range);
                break;
            case ValueKind.List or ValueKind.Tuple:
                string view = value.List.View ?? "";
                text.Append(view).Append(view.Length > 0 ? "(" : "").Append(value.Kind == ValueKind.List ? '[' : '(');
                for (int i = 0; i < value.List.Count; i++)
                {
                    if (i > 0)
                        text.Append(", ");
                    Represent(value.List[i], text, ref callers);
                }

                if (value.Kind == ValueKind.Tuple && value.List.Count == 1)
                    text.Append(',');
                text.Append(value.Kind == ValueKind.List ? ']' : ')').Append(view.Length > 0 ? ")" : "");
                break;
            case ValueKind.Dict:
                string separator = "{";
                foreach ((Value key, Value item) in value.Dict)
                {
                    text.Append(separator);
                    Represent(key, text, ref callers);
                    text.Append(": ");
                    Represent(item, text, ref callers);
                    separator = ", ";
                }

                text.Append(value.Dict.Count == 0 ? "{}" : "}");
                break;
            case ValueKind.Object when value.Object is ValueNamespace space:
                text.Append("<Namespace ");
                Represent(space.Attributes, text, ref callers);
                text.Append('>');
                break;
            case ValueKind.Object:
                text.Append(value.Object.Name);
                break;
            default:
                text.Append(Write(value).String);
                break;
        }

        budget.Leave();
    }

    // In single quotes, unless the text has some and no double ones.
    private static void Quote(string value, TextBuilder text)
    {
        char quote = value.Contains('\'') && !value.Contains('"') ? '"' : '\'';
        text.Append(quote);
        for (int i = 0; i < value.Length; i += CodePoints.Length(value, i))
        {
            char c = value[i];
            if (c == quote || c == '\\')
                text.Append('\\').Append(c);
            else if (c is '\n' or '\r' or '\t')
                text.Append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
            else if (c is < ' ' or '\u007F')
                text.AppendHex("\\x", c, "x2");
            else if (IsPrintable(value, i))
                text.Append(value.AsSpan(i, CodePoints.Length(value, i)));
            else
                Escape(value, i, text);
        }

        text.Append(quote);
    }

    private string Ascii(string all)
    {
        var text = new TextBuilder(budget);
        for (int i = 0; i < all.Length; i += CodePoints.Length(all, i))
        {
            if (char.IsAscii(all[i]))
                text.Append(all[i]);
            else
                Escape(all, i, text);
        }

        return text.Take();
    }

    private static void Escape(string value, int at, TextBuilder text)
    {
        int code = CodePoints.Length(value, at) == 2 ? char.ConvertToUtf32(value[at], value[at + 1]) : value[at];
        switch (code)
        {
            case <= 0xFF:
                text.AppendHex("\\x", code, "x2");
                break;
            case <= 0xFFFF:
                text.AppendHex("\\u", code, "x4");
                break;
            default:
                text.AppendHex("\\U", code, "x8");
                break;
        }
    }

    private static bool IsPrintable(string value, int at) => char.IsAscii(value[at]) || CharUnicodeInfo.GetUnicodeCategory(value, at) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
