namespace VAI.Text.Jinja.Values;

/// <summary>Python's order: of numbers, of texts by code point, of lists item by item. Others have none.</summary>
internal sealed class ValueOrder(Budget budget) : IComparer<Value>
{
    /// <summary>What comparing costs.</summary>
    public Budget Budget => budget;

    public int Compare(Value x, Value y) => Compare(x, y, "compared");

    public int Compare(Value x, Value y, string verb)
    {
        budget.Step();
        if (x.IsNumber && y.IsNumber)
        {
            return x.Kind == ValueKind.Float || y.Kind == ValueKind.Float
                ? x.Float.CompareTo(y.Float) : x.IsBig || y.IsBig ? x.BigInteger.CompareTo(y.BigInteger) : x.Int64.CompareTo(y.Int64);
        }

        if (x.IsText && y.IsText)
        {
            budget.Read(Math.Min(x.String.Length, y.String.Length));
            return CodePoints.Compare(x.String, y.String);
        }

        if (!x.IsList || x.Kind != y.Kind)
            throw budget.Error($"{What.Is(x)} and {What.Is(y)} cannot be {verb}");
        budget.Enter();
        int common = Math.Min(x.List.Count, y.List.Count), result = 0;
        for (int i = 0; i < common && result == 0; i++)
            result = ValueEquality.Equal(x.List[i], y.List[i], budget) ? 0 : Compare(x.List[i], y.List[i], verb);
        budget.Leave();
        return result != 0 ? result : x.List.Count - y.List.Count;
    }
}
