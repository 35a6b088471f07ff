using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>What counts as true: not nothing, not zero, not empty.</summary>
internal static class Truth
{
    public static bool Of(Value value) => value.Kind switch
    {
        ValueKind.Boolean => value.Boolean,
        ValueKind.Integer => value.IsBig || value.Int64 != 0,
        ValueKind.Float => value.Float != 0,
        ValueKind.Text => value.String.Length > 0,
        ValueKind.List or ValueKind.Tuple => value.List.Count > 0,
        ValueKind.Dict => value.Dict.Count > 0,
        ValueKind.Object => true,
        _ => false,
    };
}
