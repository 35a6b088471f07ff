using System.Numerics;
using VAI.Text.Jinja.Builtins.Formats;
using VAI.Text.Jinja.Syntax;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>Operators, with the meaning that Python gives them.</summary>
internal static class Operators
{
    public static Value Apply(Rendering run, BinaryOperator @operator, Value left, Value right)
    {
        if (@operator == BinaryOperator.Modulo && left.IsText)
            return PercentFormat.Apply(run, left, right);
        if (left.IsUndefined || right.IsUndefined)
            throw run.Error($"{What.Is(left.IsUndefined ? left : right)} cannot be calculated with");
        if (left.IsNumber && right.IsNumber)
            return Arithmetic.Apply(run, @operator, left, right);
        if (@operator == BinaryOperator.Add)
        {
            if (left.IsText && right.IsText)
                return Join(run, left, right);
            if (left.IsList && right.Kind == left.Kind)
                return Join(run, left.List, right.List, left.Kind);
        }

        if (@operator == BinaryOperator.Multiply && (left.IsInteger || right.IsInteger))
        {
            (Value times, Value what) = left.IsInteger ? (left, right) : (right, left);
            if (what.IsText || what.IsList)
                return Repeat(run, what, times);
        }

        throw run.Error($"{What.Is(left)} and {What.Is(right)} cannot be calculated with '{Symbol(@operator)}'");
    }

    public static Value Sign(Rendering run, Value value, bool minus)
    {
        if (value.Kind == ValueKind.Float)
            return minus ? -value.Float : value.Float;
        return value.IsInteger ? (minus ? -value.BigInteger : value.BigInteger) : throw run.Error($"{What.Is(value)} has no sign");
    }

    public static bool Compare(Rendering run, Comparison comparison, Value left, Value right)
    {
        switch (comparison)
        {
            case Comparison.Equal:
                return Equal(run, left, right);
            case Comparison.NotEqual:
                return !Equal(run, left, right);
            case Comparison.In:
                return Contains(run, right, left);
            case Comparison.NotIn:
                return !Contains(run, right, left);
        }

        // What is not a number is neither less nor more.
        if ((left.Kind == ValueKind.Float && double.IsNaN(left.Float)) || (right.Kind == ValueKind.Float && double.IsNaN(right.Float)))
            return false;
        int order = run.Order.Compare(left, right, "compared");
        return comparison switch
        {
            Comparison.Less => order < 0,
            Comparison.LessOrEqual => order <= 0,
            Comparison.Greater => order > 0,
            _ => order >= 0,
        };
    }

    /// <summary>Whether a list or dictionary has it, or a text has that part.</summary>
    public static bool Contains(Rendering run, Value container, Value item)
    {
        switch (container.Kind)
        {
            case ValueKind.Text:
                if (!item.IsText)
                    throw run.Error($"{What.Is(item)} is looked for in a string, where only a string can be");
                run.Budget.Seek(container.String.Length, item.String.Length);
                return container.String.Contains(item.String, StringComparison.Ordinal);
            case ValueKind.Dict:
                return container.Dict.TryGet(Lookup.Key(run, item), out _);
            case ValueKind.List or ValueKind.Tuple or ValueKind.Undefined:
                foreach (Value other in Iteration.Items(run, container))
                {
                    if (Equal(run, other, item))
                        return true;
                }

                return false;
            default:
                throw run.Error($"{What.Is(container)} has nothing in it that could be looked for");
        }
    }

    public static bool Equal(Rendering run, Value left, Value right) => ValueEquality.Equal(left, right, run.Budget);

    /// <summary>Two texts, one behind the other.</summary>
    public static Value Join(Rendering run, Value left, Value right)
    {
        if (left.String.Length == 0)
            return right;
        if (right.String.Length == 0)
            return left;
        if (left.Mixed is null && right.Mixed is null && left.IsCallers == right.IsCallers)
        {
            run.Budget.Write(right.String.Length + left.String.Length);
            return Value.Text(left.String + right.String, left.IsCallers);
        }

        var text = new TextBuilder(run.Budget);
        text.Append(left);
        text.Append(right);
        return text.ToValue();
    }

    private static Value Join(Rendering run, ValueList left, ValueList right, ValueKind kind)
    {
        run.Budget.Spend(left.Count + right.Count);
        var all = new ValueList([.. left.Items, .. right.Items]);
        return kind == ValueKind.Tuple ? Value.Tuple(all) : all;
    }

    private static Value Repeat(Rendering run, Value what, Value times)
    {
        BigInteger wanted = BigInteger.Max(times.BigInteger, 0);
        if (what.IsText)
        {
            run.Budget.Write((long)BigInteger.Min(wanted * what.String.Length, long.MaxValue / 2));
            if (what.String.Length == 0)
                return what;
            var text = new TextBuilder(run.Budget);
            for (int i = 0; i < (int)wanted; i++)
                text.Append(what);
            return text.ToValue();
        }

        run.Budget.Spend((long)BigInteger.Min(wanted * what.List.Count, long.MaxValue / 2));
        var items = new List<Value>();
        for (int i = 0; what.List.Count > 0 && i < (int)wanted; i++)
            items.AddRange(what.List.Items);
        return what.Kind == ValueKind.Tuple ? Value.Tuple(new ValueList(items)) : new ValueList(items);
    }

    private static string Symbol(BinaryOperator @operator) => @operator switch
    {
        BinaryOperator.Add => "+",
        BinaryOperator.Subtract => "-",
        BinaryOperator.Multiply => "*",
        BinaryOperator.Divide => "/",
        BinaryOperator.FloorDivide => "//",
        BinaryOperator.Modulo => "%",
        _ => "**",
    };
}
