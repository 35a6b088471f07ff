using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>What a value has to go through.</summary>
internal static class Iteration
{
    private static readonly string[] Ascii = [.. Enumerable.Range(0, 128).Select(c => ((char)c).ToString())];

    /// <summary>Items of a list, keys of a dictionary, characters of a text, none of what is undefined. The list is not to be changed.</summary>
    /// <exception cref="TemplateError">It has none.</exception>
    public static List<Value> Items(Rendering run, Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Undefined:
                return [];
            case ValueKind.List or ValueKind.Tuple:
                run.Budget.Spend(value.List.Count);
                return value.List.Items;
            case ValueKind.Dict:
                run.Budget.Spend(value.Dict.Count);
                return [.. value.Dict.Keys];
            case ValueKind.Text:
                run.Budget.Spend(value.String.Length);
                return Characters(value);
            default:
                throw run.Error($"{What.Is(value)} has no items to go through");
        }
    }

    /// <summary>How many it has; less than zero where it has none to count.</summary>
    public static int Count(Value value) => value.Kind switch
    {
        ValueKind.Undefined => 0,
        ValueKind.List or ValueKind.Tuple => value.List.Count,
        ValueKind.Dict => value.Dict.Count,
        ValueKind.Text => CodePoints.Count(value.String),
        _ => -1,
    };

    private static List<Value> Characters(Value text)
    {
        string all = text.String;
        var items = new List<Value>(all.Length);
        for (int at = 0; at < all.Length; at += CodePoints.Length(all, at))
            items.Add(char.IsAscii(all[at]) && text.Mixed is null ? Value.Text(Ascii[all[at]], text.IsCallers) : text.Part(at, CodePoints.Length(all, at)));
        return items;
    }
}
