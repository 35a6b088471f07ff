namespace VAI.Text.Jinja.Values;

/// <summary>The items of a list or a tuple.</summary>
/// <param name="items">Which it takes over.</param>
/// <param name="isCallers">Whether the caller gave it, so that no template may change it.</param>
/// <param name="names">Of its items, where they are attributes too.</param>
internal sealed class ValueList(List<Value> items, bool isCallers = false, string[]? names = null)
{
    public List<Value> Items => items;

    public int Count => items.Count;

    /// <summary>As what Python writes it, where it is no list there: <c>range(0, 3)</c>.</summary>
    public string? Range { get; init; }

    /// <summary>What Python writes around it, where it is no list there: <c>dict_keys</c>.</summary>
    public string? View { get; init; }

    public bool IsCallers => isCallers;

    public Value this[int index] => items[index];

    /// <summary>An item by its name; missing where there is none of it.</summary>
    public Value Named(string name) => names is not null && Array.IndexOf(names, name) is >= 0 and int at ? items[at] : default;
}
