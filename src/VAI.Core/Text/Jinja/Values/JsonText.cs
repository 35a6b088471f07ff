using VAI.Text.Jinja.Running;

namespace VAI.Text.Jinja.Values;

/// <summary>A value as Python's <c>json.dumps</c> writes it: what templates mean by <c>tojson</c>.</summary>
/// <param name="budget">What it costs.</param>
/// <param name="indent">Blanks, or what else stands before an item for each level; null for all in one line.</param>
/// <param name="comma">Between items.</param>
/// <param name="colon">Between a key and its value.</param>
/// <param name="ascii">Whether what is not ASCII is escaped.</param>
/// <param name="sorted">Whether keys stand in their order.</param>
internal sealed class JsonText(Budget budget, string? indent, string comma, string colon, bool ascii, bool sorted)
{
    private readonly TextBuilder _text = new(budget);
    private bool _callers;

    /// <summary>Writes a value; all of it counts as the caller's where any of it is.</summary>
    public Value Write(Value value)
    {
        Append(value, 0);
        return Value.Text(_text.Take(), _callers);
    }

    private void Append(Value value, int level)
    {
        budget.Enter();
        switch (value.Kind)
        {
            case ValueKind.None:
                _text.Append("null");
                break;
            case ValueKind.Boolean:
                _text.Append(value.Boolean ? "true" : "false");
                break;
            case ValueKind.Integer:
                _text.Append(NumberText.WriteInteger(value, budget));
                break;
            case ValueKind.Float:
                _text.Append(Float(value.Float));
                break;
            case ValueKind.Text:
                Append(value);
                break;
            case ValueKind.List or ValueKind.Tuple:
                AppendList(value.List, level);
                break;
            case ValueKind.Dict:
                AppendDict(value.Dict, level);
                break;
            default:
                throw budget.Error($"{What.Is(value)} cannot be written as JSON");
        }

        budget.Leave();
    }

    private void AppendList(ValueList list, int level)
    {
        _text.Append('[');
        for (int i = 0; i < list.Count; i++)
        {
            BeforeItem(i, level + 1);
            Append(list[i], level + 1);
        }

        AfterItems(list.Count, level);
        _text.Append(']');
    }

    private void AppendDict(ValueDict dict, int level)
    {
        _text.Append('{');
        int i = 0;
        foreach ((Value key, Value value) in sorted ? Sorted(dict) : dict)
        {
            BeforeItem(i++, level + 1);
            Append(key.Kind switch
            {
                ValueKind.Text => key,
                ValueKind.None => "null",
                ValueKind.Boolean => key.Boolean ? "true" : "false",
                ValueKind.Integer => NumberText.WriteInteger(key, budget),
                ValueKind.Float => Float(key.Float),
                _ => throw budget.Error($"{What.Is(key)} cannot be a key in JSON"),
            });
            _text.Append(colon);
            Append(value, level + 1);
        }

        AfterItems(dict.Count, level);
        _text.Append('}');
    }

    private ValueDict Sorted(ValueDict dict)
    {
        var sortedDict = new ValueDict(dict.Count);
        foreach (Value key in Sorting.Sort([.. dict.Keys], k => k, new ValueOrder(budget)))
        {
            dict.TryGet(key, out Value value);
            sortedDict.Set(key, value);
        }

        return sortedDict;
    }

    private void BeforeItem(int index, int level)
    {
        if (index > 0)
            _text.Append(comma);
        NewLine(level);
    }

    private void AfterItems(int count, int level)
    {
        if (count > 0)
            NewLine(level);
    }

    private void NewLine(int level)
    {
        if (indent is null)
            return;
        _text.Append('\n');
        for (int i = 0; i < level; i++)
            _text.Append(indent);
    }

    private static string Float(double value) => double.IsNaN(value) ? "NaN"
        : double.IsInfinity(value) ? (value > 0 ? "Infinity" : "-Infinity") : NumberText.Write(value);

    private void Append(Value text)
    {
        _callers |= text.IsCallers || text.Mixed is not null;
        _text.Append('"');
        string value = text.String;
        int plain = 0;
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            if (c >= ' ' && c is not ('"' or '\\') && (!ascii || c <= '~'))
                continue;
            _text.Append(value.AsSpan(plain, i - plain));
            plain = i + 1;
            const string Short = "\"\\\n\r\t\b\f", Letters = "\"\\nrtbf";
            int at = Short.IndexOf(c, StringComparison.Ordinal);
            if (at >= 0)
                _text.Append('\\').Append(Letters[at]);
            else
                _text.AppendHex("\\u", c, "x4");
        }

        _text.Append(value.AsSpan(plain)).Append('"');
    }
}
