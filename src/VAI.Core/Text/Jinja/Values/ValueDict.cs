namespace VAI.Text.Jinja.Values;

/// <summary>A dictionary, in the order in which its keys were put in.</summary>
/// <param name="capacity">Entries that it has room for at first.</param>
/// <param name="isCallers">Whether the caller gave it, so that no template may change it.</param>
internal sealed class ValueDict(int capacity = 0, bool isCallers = false)
{
    private readonly OrderedDictionary<Value, Value> _entries = new(capacity, ValueEquality.Instance);

    public int Count => _entries.Count;

    public bool IsCallers => isCallers;

    public OrderedDictionary<Value, Value>.KeyCollection Keys => _entries.Keys;

    public OrderedDictionary<Value, Value>.ValueCollection Values => _entries.Values;

    public KeyValuePair<Value, Value> At(int index) => _entries.GetAt(index);

    public bool TryGet(Value key, out Value value) => _entries.TryGetValue(key, out value);

    public void Set(Value key, Value value) => _entries[key] = value;

    public bool Remove(Value key, out Value value) => _entries.Remove(key, out value);

    public void Clear() => _entries.Clear();

    public OrderedDictionary<Value, Value>.Enumerator GetEnumerator() => _entries.GetEnumerator();
}
