using System.Numerics;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary><c>of[from:to:step]</c>, of a text by code points.</summary>
internal static class Slices
{
    public static Value Take(Rendering run, Value of, Value from, Value to, Value step)
    {
        if (of.IsUndefined)
            throw run.Error($"{of.Hint} has no items");
        if (!of.IsText && !of.IsList)
            throw run.Error($"{What.Is(of)} has no parts");
        run.Budget.Read(of.IsText ? of.String.Length : 0);
        int count = Iteration.Count(of);
        int by = step.IsNone ? 1 : Index(run, step, int.MaxValue);
        if (by == 0)
            throw run.Error("the step of a slice is zero");
        int lowest = by > 0 ? 0 : -1, highest = by > 0 ? count : count - 1;
        int first = from.IsNone ? (by > 0 ? 0 : count - 1) : Bound(run, from, count, lowest, highest);
        int end = to.IsNone ? (by > 0 ? count : -1) : Bound(run, to, count, lowest, highest);
        return of.IsText ? Text(run, of, first, end, by, count) : List(run, of, first, end, by);
    }

    private static Value List(Rendering run, Value of, int first, int end, int by)
    {
        var items = new List<Value>();
        if (by == 1)
        {
            items = of.List.Items.GetRange(first, Math.Max(0, end - first));
        }
        else
        {
            for (long i = first; by > 0 ? i < end : i > end; i += by)
                items.Add(of.List[(int)i]);
        }

        run.Budget.Spend(items.Count);
        return of.Kind == ValueKind.Tuple ? Value.Tuple(new ValueList(items)) : new ValueList(items);
    }

    private static Value Text(Rendering run, Value of, int first, int end, int by, int count)
    {
        bool units = count == of.String.Length;
        if (by == 1 && units)
            return end <= first ? "" : of.Part(first, end - first);
        int[] starts = CodePoints.Starts(of.String);
        if (by == 1)
            return end <= first ? "" : of.Part(starts[first], starts[end] - starts[first]);
        var text = new TextBuilder(run.Budget);
        for (long i = first; by > 0 ? i < end : i > end; i += by)
        {
            run.Budget.Step();
            text.Append(of.Part(starts[i], starts[i + 1] - starts[i]));
        }

        return text.ToValue();
    }

    private static int Bound(Rendering run, Value value, int count, int lowest, int highest)
    {
        int index = Index(run, value, int.MaxValue / 2);
        return Math.Clamp(index < 0 ? index + count : index, lowest, highest);
    }

    private static int Index(Rendering run, Value value, int most) => value.IsInteger
        ? (int)BigInteger.Min(BigInteger.Max(value.BigInteger, -most), most) : throw run.Error($"{What.Is(value)} stands in a slice, which takes integers");
}
