using VAI.Text.Jinja.Builtins;
using VAI.Text.Jinja.Builtins.Filtering;
using VAI.Text.Jinja.Builtins.Types;
using VAI.Text.Jinja.Syntax;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>Expressions.</summary>
internal sealed partial class Rendering
{
    /// <summary>An expression's value.</summary>
    public Value Evaluate(Expression expression, Scope scope)
    {
        Budget.Enter();
        Value value = expression switch
        {
            NameExpression name => Find(name.Name, scope),
            StringExpression text => text.Value,
            AttributeExpression attribute => Lookup.Attribute(this, Evaluate(attribute.Of, scope), attribute.Name),
            ItemExpression { Index: SliceExpression slice } item => Slice(item, slice, scope),
            ItemExpression item => Lookup.Item(this, Evaluate(item.Of, scope), Evaluate(item.Index, scope)),
            CompareExpression compare => Compare(compare, scope),
            BinaryExpression binary => Binary(binary, scope),
            ConcatExpression concat => Concat(concat, scope),
            UnaryExpression unary => Unary(unary, scope),
            CallExpression call => Call(call, scope, null),
            FilterExpression filter => Filter(filter, filter.Of is null ? "" : Evaluate(filter.Of, scope), scope),
            TestExpression test => Test(test, scope),
            ConditionalExpression choice => Choose(choice, scope),
            ConstantExpression constant => constant.Value is { } boolean ? boolean : Value.None,
            IntegerExpression integer => integer.Value,
            FloatExpression real => real.Value,
            ListExpression list => new ValueList(Evaluate(list.Items, scope)),
            TupleExpression tuple => Value.Tuple(new ValueList(Evaluate(tuple.Items, scope))),
            DictExpression dict => Dict(dict, scope),
            _ => throw Error("a slice stands where a value is needed"),
        };
        Budget.Leave();
        Budget.Line = expression.Line;
        return value;
    }

    /// <summary>A filter or test by its name, as <c>map("upper")</c> names it.</summary>
    public Value ApplyFilter(string name, Value value, CallArguments arguments) => (Filters.Find(name) ?? throw NoFilter(name)).Call(this, value, arguments);

    /// <summary>A test by its name.</summary>
    public bool ApplyTest(string name, Value value, CallArguments arguments) => Truth.Of((Tests.Find(name) ?? throw NoTest(name)).Call(this, value, arguments));

    private TemplateError NoFilter(string name) => Error($"there is no filter '{name}'");

    private TemplateError NoTest(string name) => Error($"there is no test '{name}'");

    private List<Value> Evaluate(IReadOnlyList<Expression> expressions, Scope scope)
    {
        var values = new List<Value>(expressions.Count);
        for (int i = 0; i < expressions.Count; i++)
            values.Add(Evaluate(expressions[i], scope));
        return values;
    }

    private Value Dict(DictExpression expression, Scope scope)
    {
        var dict = new ValueDict(expression.Items.Count);
        foreach ((Expression key, Expression value) in expression.Items)
            dict.Set(Lookup.Key(this, Evaluate(key, scope)), Evaluate(value, scope));
        return dict;
    }

    private Value Slice(ItemExpression item, SliceExpression slice, Scope scope)
    {
        Value of = Evaluate(item.Of, scope);
        return Slices.Take(this, of, Part(slice.From), Part(slice.To), Part(slice.Step));

        Value Part(Expression? part) => part is null ? Value.None : Evaluate(part, scope);
    }

    private Value Compare(CompareExpression compare, Scope scope)
    {
        Value left = Evaluate(compare.First, scope);
        for (int i = 0; i < compare.Rest.Count; i++)
        {
            (Comparison @operator, Expression with) = compare.Rest[i];
            Value right = Evaluate(with, scope);
            if (!Operators.Compare(this, @operator, left, right))
                return false;
            left = right;
        }

        return true;
    }

    private Value Binary(BinaryExpression binary, Scope scope)
    {
        if (binary is { Operator: BinaryOperator.Add, Left: BinaryExpression { Operator: BinaryOperator.Add } })
            return Sum(binary, scope);
        Value left = Evaluate(binary.Left, scope);
        return binary.Operator switch
        {
            BinaryOperator.And => Truth.Of(left) ? Evaluate(binary.Right, scope) : left,
            BinaryOperator.Or => Truth.Of(left) ? left : Evaluate(binary.Right, scope),
            _ => Operators.Apply(this, binary.Operator, left, Evaluate(binary.Right, scope)),
        };
    }

    // Texts that are added one after the other are put together once.
    private Value Sum(BinaryExpression sum, Scope scope)
    {
        var rights = new Stack<BinaryExpression>();
        Expression first = sum;
        while (first is BinaryExpression { Operator: BinaryOperator.Add } add)
        {
            Budget.Step();
            rights.Push(add);
            first = add.Left;
        }

        Value value = Evaluate(first, scope);
        TextBuilder? text = null;
        while (rights.TryPop(out BinaryExpression? add))
        {
            Value right = Evaluate(add.Right, scope);
            if (right.IsText && (text is not null || (value.IsText && rights.Count > 0)))
            {
                if (text is null)
                    (text = new TextBuilder(Budget)).Append(value);
                text.Append(right);
                continue;
            }

            Budget.Line = add.Line;
            value = Operators.Apply(this, BinaryOperator.Add, text?.ToValue() ?? value, right);
            text = null;
        }

        return text?.ToValue() ?? value;
    }

    private Value Unary(UnaryExpression unary, Scope scope)
    {
        Value value = Evaluate(unary.Of, scope);
        return unary.Operator == UnaryOperator.Not ? !Truth.Of(value) : Operators.Sign(this, value, unary.Operator == UnaryOperator.Minus);
    }

    private Value Concat(ConcatExpression concat, Scope scope)
    {
        var text = new TextBuilder(Budget);
        for (int i = 0; i < concat.Items.Count; i++)
            text.Append(Text.Write(Evaluate(concat.Items[i], scope)));
        return text.ToValue();
    }

    private Value Choose(ConditionalExpression choice, Scope scope)
    {
        if (Truth.Of(Evaluate(choice.Test, scope)))
            return Evaluate(choice.Then, scope);
        return choice.Otherwise is null
            ? Value.Undefined("if without else") : Evaluate(choice.Otherwise, scope);
    }

    private Value Call(CallExpression call, Scope scope, Macro? caller)
    {
        CallArguments arguments = Evaluate(call.Arguments, scope, caller);

        // A method is called without being made first: it is the commonest call.
        if (call.Function is AttributeExpression attribute)
        {
            Value self = Evaluate(attribute.Of, scope);
            if (Methods.Find(self, attribute.Name) is { } method)
                return method.Call(this, self, arguments);
            return Invoke(Lookup.Attribute(this, self, attribute.Name), arguments, attribute.Name);
        }

        return Invoke(Evaluate(call.Function, scope), arguments, (call.Function as NameExpression)?.Name);
    }

    private Value Invoke(Value function, CallArguments arguments, string? name)
    {
        if (function.Kind == ValueKind.Object && function.Object.IsCallable)
            return function.Object.Call(this, arguments);
        throw Error(name is null || function.IsUndefined ? $"{What.Is(function)} cannot be called" : $"'{name}', {What.Is(function)}, cannot be called");
    }

    private Value Filter(FilterExpression filter, Value value, Scope scope)
    {
        // A block's filters: the first has the block before it.
        if (filter.Of is FilterExpression before && IsBlock(before))
            value = Filter(before, value, scope);
        Builtin builtin = Filters.Find(filter.Name) ?? throw NoFilter(filter.Name);
        return builtin.Call(this, value, Evaluate(filter.Arguments, scope, null));
    }

    private static bool IsBlock(FilterExpression filter)
    {
        while (filter.Of is FilterExpression before)
            filter = before;
        return filter.Of is null;
    }

    private Value Test(TestExpression test, Scope scope)
    {
        Builtin builtin = Tests.Find(test.Name) ?? throw NoTest(test.Name);
        return builtin.Call(this, Evaluate(test.Of, scope), Evaluate(test.Arguments, scope, null));
    }

    private CallArguments Evaluate(Arguments arguments, Scope scope, Macro? caller)
    {
        if (ReferenceEquals(arguments, Arguments.None) && caller is null)
            return CallArguments.None;
        Value[] positional = arguments.Positional.Count == 0 ? CallArguments.None.Positional : new Value[arguments.Positional.Count];
        for (int i = 0; i < positional.Length; i++)
            positional[i] = Evaluate(arguments.Positional[i], scope);
        if (arguments.Named.Count == 0 && arguments.Rest is null && arguments.NamedRest is null && caller is null)
            return new CallArguments(positional, CallArguments.None.Named);
        var named = new List<(Value, Value)>();
        foreach ((string name, Expression value) in arguments.Named)
            named.Add((name, Evaluate(value, scope)));
        if (arguments.Rest is not null)
            positional = [.. positional, .. Iteration.Items(this, Evaluate(arguments.Rest, scope))];
        if (arguments.NamedRest is not null)
            AddNamed(named, Evaluate(arguments.NamedRest, scope));
        if (caller is not null)
            named.Add(("caller", caller));
        return new CallArguments(positional, [.. named]);
    }

    private void AddNamed(List<(Value, Value)> named, Value rest)
    {
        if (!rest.IsDict)
            throw Error($"{What.Is(rest)} behind '**' is no dictionary");
        foreach ((Value key, Value value) in rest.Dict)
        {
            Budget.Step();
            Budget.Read(key.IsText ? key.String.Length : 0);
            named.Add((key.IsText ? key : throw Error("a key behind '**' is no string"), value));
        }
    }
}
