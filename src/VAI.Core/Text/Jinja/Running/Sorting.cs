using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>Python's <c>sorted</c>: stable, also backwards. .NET's own wraps what a comparison throws, and asks for an order of what has none.</summary>
internal static class Sorting
{
    /// <summary>The items in the order of their keys, which are compared only where there are two.</summary>
    public static List<Value> Sort(IReadOnlyList<Value> items, Func<Value, Value> key, ValueOrder order, bool reverse = false)
    {
        var from = new (Value Key, Value Item)[items.Count];
        for (int i = 0; i < from.Length; i++)
            from[i] = (key(items[i]), items[i]);
        var to = new (Value Key, Value Item)[from.Length];
        for (long width = 1; width < from.Length; width *= 2)
        {
            for (long start = 0; start < from.Length; start += 2 * width)
                Merge(from, to, (int)start, (int)Math.Min(start + width, from.Length), (int)Math.Min(start + (2 * width), from.Length), order, reverse);
            (from, to) = (to, from);
        }

        return [.. from.Select(k => k.Item)];
    }

    private static void Merge((Value Key, Value Item)[] from, (Value Key, Value Item)[] to, int start, int middle, int end, ValueOrder order, bool reverse)
    {
        int left = start, right = middle;
        for (int at = start; at < end; at++)
        {
            bool takesRight = left == middle || (right < end && Compare(from[right].Key, from[left].Key) < 0);
            to[at] = from[takesRight ? right++ : left++];
        }

        int Compare(Value x, Value y) => reverse ? order.Compare(y, x) : order.Compare(x, y);
    }
}
