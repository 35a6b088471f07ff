namespace VAI.Text.Jinja.Values;

/// <summary>Values in the words of an error.</summary>
internal static class What
{
    public static string Is(Value value) => value.Kind switch
    {
        ValueKind.Undefined => value.Hint,
        ValueKind.None => "none",
        ValueKind.Boolean => "a boolean",
        ValueKind.Integer => "an integer",
        ValueKind.Float => "a float",
        ValueKind.Text => "a string",
        ValueKind.List => "a list",
        ValueKind.Tuple => "a tuple",
        ValueKind.Dict => "a dictionary",
        ValueKind.Object => value.Object.Name,
        _ => "nothing",
    };
}
