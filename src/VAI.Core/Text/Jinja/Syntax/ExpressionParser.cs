namespace VAI.Text.Jinja.Syntax;

/// <summary>
/// Expressions, by the precedence that Jinja2 gives its operators, from the loosest: <c>if else</c>, <c>or</c>, <c>and</c>, <c>not</c>, comparisons,
/// <c>+ -</c>, <c>~</c>, <c>* / // %</c>, <c>**</c>, signs; filters and tests bind to what stands right before them.
/// </summary>
internal sealed class ExpressionParser(TokenReader reader)
{
    private static readonly (string Symbol, BinaryOperator Operator)[] Sums = [("+", BinaryOperator.Add), ("-", BinaryOperator.Subtract)];

    private static readonly (string Symbol, BinaryOperator Operator)[] Products =
    [
        ("*", BinaryOperator.Multiply), ("/", BinaryOperator.Divide), ("//", BinaryOperator.FloorDivide), ("%", BinaryOperator.Modulo),
    ];

    private static readonly (string Symbol, Comparison Operator)[] Comparisons =
    [
        ("==", Comparison.Equal), ("!=", Comparison.NotEqual), ("<", Comparison.Less), ("<=", Comparison.LessOrEqual),
        (">", Comparison.Greater), (">=", Comparison.GreaterOrEqual),
    ];

    private readonly PrimaryParser _primary = new(reader);

    /// <summary>An expression, with <c>if else</c>.</summary>
    public Expression Read() => reader.Within(() => ReadConditional());

    /// <summary>One without <c>if else</c>, as behind the <c>in</c> of a loop, whose <c>if</c> is the loop's.</summary>
    public Expression ReadUnconditional() => reader.Within(ReadOr);

    /// <summary>One, or several with commas between them, which are a tuple.</summary>
    /// <param name="conditional">Whether with <c>if else</c>.</param>
    public Expression ReadTuple(bool conditional = true)
    {
        int line = reader.Current.Line;
        Expression first = conditional ? Read() : ReadUnconditional();
        if (!reader.Current.IsSymbol(","))
            return first;
        var items = new List<Expression> { first };
        while (reader.Skip(",") && !EndsTuple())
            items.Add(conditional ? Read() : ReadUnconditional());
        return reader.Count(new TupleExpression(line, items));
    }

    /// <summary>What a loop or a <c>set</c> gives values to: a name, or a tuple of them; of a <c>set</c> also <c>namespace.attribute</c>.</summary>
    public Expression ReadTarget(bool attributes)
    {
        int line = reader.Current.Line;
        Expression first = reader.Within(() => ReadOneTarget(attributes));
        if (!reader.Current.IsSymbol(","))
            return first;
        var items = new List<Expression> { first };
        while (reader.Skip(",") && !EndsTuple())
            items.Add(reader.Within(() => ReadOneTarget(attributes)));
        return reader.Count(new TupleExpression(line, items));
    }

    /// <summary>Filters of a block, with nothing before the first.</summary>
    public FilterExpression ReadBlockFilters()
    {
        FilterExpression filter = _primary.ReadFilter(null, this);
        while (reader.Skip("|"))
            filter = _primary.ReadFilter(filter, this);
        return filter;
    }

    private Expression ReadOneTarget(bool attributes)
    {
        if (reader.Skip("("))
        {
            Expression inner = ReadTarget(attributes);
            reader.Expect(")");
            return inner;
        }

        Token name = reader.Expect(TokenKind.Name, "a name");
        if (name.Value is "true" or "false" or "none" or "True" or "False" or "None")
            throw new TemplateError(name.Line, $"{name} cannot be given a value");
        if (name.Value == "loop" && reader.Loops > 0)
            throw new TemplateError(name.Line, "'loop' is what a loop itself gives a value to");
        var target = new NameExpression(name.Line, name.Value);
        if (!attributes || !reader.Skip("."))
            return target;
        return new AttributeExpression(name.Line, target, reader.Expect(TokenKind.Name, "an attribute's name").Value);
    }

    private bool EndsTuple() => reader.Current.Kind is TokenKind.StatementEnd or TokenKind.OutputEnd or TokenKind.End
        || reader.Current.IsSymbol(")") || reader.Current.IsSymbol("]") || reader.Current.IsSymbol("}");

    private Expression ReadConditional()
    {
        int line = reader.Current.Line;
        int known = reader.Known.Count;
        Expression value = ReadOr();
        while (reader.SkipName("if"))
        {
            Expression test = ReadOr();
            Expression? otherwise = reader.SkipName("else") ? Read() : null;
            reader.Known.Forget(known);
            value = reader.Count(new ConditionalExpression(line, test, value, otherwise));
        }

        return value;
    }

    private Expression ReadOr()
    {
        int line = reader.Current.Line;
        Expression left = ReadAnd();
        while (reader.SkipName("or"))
            left = reader.Count(new BinaryExpression(line, BinaryOperator.Or, left, ReadAnd()));
        return left;
    }

    private Expression ReadAnd()
    {
        int line = reader.Current.Line;
        Expression left = ReadNot();
        while (reader.SkipName("and"))
            left = reader.Count(new BinaryExpression(line, BinaryOperator.And, left, ReadNot()));
        return left;
    }

    private Expression ReadNot()
    {
        Token token = reader.Current;
        return reader.SkipName("not")
            ? reader.Within(() => new UnaryExpression(token.Line, UnaryOperator.Not, ReadNot())) : ReadComparison();
    }

    private Expression ReadComparison()
    {
        int line = reader.Current.Line;
        Expression first = ReadSum();
        var rest = new List<(Comparison, Expression)>();
        while (NextComparison() is { } comparison)
            rest.Add((comparison, ReadSum()));
        return rest.Count == 0 ? first : reader.Count(new CompareExpression(line, first, rest));
    }

    private Comparison? NextComparison()
    {
        if (reader.SkipName("in"))
            return Comparison.In;
        if (reader.Current.IsName("not") && reader.Ahead.IsName("in"))
        {
            reader.Next();
            reader.Next();
            return Comparison.NotIn;
        }

        int found = Array.FindIndex(Comparisons, c => reader.Current.IsSymbol(c.Symbol));
        if (found < 0)
            return null;
        reader.Next();
        return Comparisons[found].Operator;
    }

    private Expression ReadSum() => ReadLeft(Sums, ReadConcat);

    private Expression ReadConcat()
    {
        int line = reader.Current.Line;
        Expression first = ReadProduct();
        if (!reader.Current.IsSymbol("~"))
            return first;
        var items = new List<Expression> { first };
        while (reader.Skip("~"))
            items.Add(ReadProduct());
        return reader.Count(new ConcatExpression(line, items));
    }

    private Expression ReadProduct() => ReadLeft(Products, ReadPower);

    private Expression ReadLeft((string Symbol, BinaryOperator Operator)[] operators, Func<Expression> read)
    {
        int line = reader.Current.Line;
        Expression left = read();
        while (Array.FindIndex(operators, o => reader.Current.IsSymbol(o.Symbol)) is >= 0 and int found)
        {
            reader.Next();
            left = reader.Count(new BinaryExpression(line, operators[found].Operator, left, read()));
        }

        return left;
    }

    private Expression ReadPower()
    {
        int line = reader.Current.Line;
        Expression left = ReadSigned(filters: true);
        while (reader.Skip("**"))
            left = reader.Count(new BinaryExpression(line, BinaryOperator.Power, left, ReadSigned(filters: true)));
        return left;
    }

    // A filter behind '-x' takes all of it.
    private Expression ReadSigned(bool filters)
    {
        int line = reader.Current.Line;
        Expression value;
        if (reader.Skip("-"))
            value = reader.Within(() => new UnaryExpression(line, UnaryOperator.Minus, ReadSigned(filters: false)));
        else if (reader.Skip("+"))
            value = reader.Within(() => new UnaryExpression(line, UnaryOperator.Plus, ReadSigned(filters: false)));
        else
            value = _primary.Read(this);
        value = _primary.ReadPostfix(value, this);
        return filters ? _primary.ReadFilters(value, this) : value;
    }
}
