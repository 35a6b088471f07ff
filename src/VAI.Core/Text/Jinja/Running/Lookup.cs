using System.Numerics;
using VAI.Text.Jinja.Builtins.Types;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>Attributes and items. What a value does not have is undefined; of what is undefined nothing can be asked.</summary>
internal static class Lookup
{
    /// <summary><c>of.name</c>: a method or attribute, then an item of that key.</summary>
    public static Value Attribute(Rendering run, Value of, string name)
    {
        if (of.IsUndefined)
            throw run.Error($"{of.Hint} has no '{name}'");
        run.Budget.Read(name.Length);
        if (of.Kind == ValueKind.Object)
        {
            Value attribute = of.Object.Attribute(name);
            return attribute.IsMissing ? Value.Undefined(name) : attribute;
        }

        if (of.IsNumber && NumberMethods.Attribute(of, name) is { IsMissing: false } part)
            return part;
        if (of.IsList && of.List.Named(name) is { IsMissing: false } named)
            return named;
        if (Methods.Find(of, name) is { } method)
            return new NativeFunction(name, (rendering, arguments) => method.Call(rendering, of, arguments));
        return of.IsDict && of.Dict.TryGet(name, out Value value) ? value : Value.Undefined(name);
    }

    /// <summary><c>of[index]</c>: an item, then an attribute of that name.</summary>
    public static Value Item(Rendering run, Value of, Value index)
    {
        if (of.IsUndefined)
            throw run.Error($"{of.Hint} has no items");
        switch (of.Kind)
        {
            case ValueKind.Dict when IsKey(run, index, 0):
                if (of.Dict.TryGet(index, out Value value))
                    return value;
                break;
            case ValueKind.List or ValueKind.Tuple or ValueKind.Text when index.IsInteger:
                return At(run, of, index.BigInteger);
        }

        return index.IsText ? Attribute(run, of, index.String) : Value.Undefined("item");
    }

    /// <summary>A key of a dictionary.</summary>
    /// <exception cref="TemplateError">It cannot be one, as it can change.</exception>
    public static Value Key(Rendering run, Value key) =>
        IsKey(run, key, 0) ? key : throw run.Error($"{What.Is(key)} cannot be a key of a dictionary");

    // A tuple is one if its items are: each is gone through, and counted, as a dictionary goes through them.
    private static bool IsKey(Rendering run, Value key, int depth)
    {
        // All of a text is gone through to find it.
        if (key.IsText)
            run.Budget.Read(key.String.Length);
        if (key.Kind != ValueKind.Tuple)
            return key.Kind is not (ValueKind.List or ValueKind.Dict);
        if (depth == ValueEquality.MostDepth)
            throw run.Error($"a key of a dictionary has more than {ValueEquality.MostDepth} tuples within each other");
        foreach (Value item in key.List.Items)
        {
            run.Budget.Step();
            if (!IsKey(run, item, depth + 1))
                return false;
        }

        return true;
    }

    /// <summary>By a path of names and indices, as <c>map(attribute="a.0.b")</c> has it.</summary>
    /// <param name="run">The rendering.</param>
    /// <param name="of">Where it begins.</param>
    /// <param name="path">An index, or names and indices with dots between them.</param>
    /// <param name="otherwise">Instead of each part that there is not; missing for what is undefined.</param>
    public static Value Path(Rendering run, Value of, Value path, Value otherwise = default)
    {
        if (!path.IsText)
            return Or(Item(run, of, path));
        foreach (string part in path.String.Split('.'))
        {
            // What is taken apart again for each item costs some memory too.
            run.Budget.Spend(4);
            of = Or(Item(run, of, part.Length > 0 && part.All(char.IsAsciiDigit) ? NumberText.ReadInteger(part, run.Budget) : part));
        }

        return of;

        Value Or(Value value) => value.IsUndefined && !otherwise.IsMissing && !otherwise.IsNone ? otherwise : value;
    }

    private static Value At(Rendering run, Value of, BigInteger index)
    {
        if (of.IsText)
            run.Budget.Read(of.String.Length);
        int count = Iteration.Count(of);
        if (index < 0)
            index += count;
        if (index < 0 || index >= count)
            return Value.Undefined("item");
        if (of.IsList)
            return of.List[(int)index];
        int at = (int)index;
        if (CodePoints.AreUnits(of.String))
            return of.Part(at, 1);
        int[] starts = CodePoints.Starts(of.String);
        return of.Part(starts[at], starts[at + 1] - starts[at]);
    }
}
