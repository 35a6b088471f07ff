using System.Numerics;

namespace VAI.Text.Jinja.Syntax;

/// <summary>What has a value.</summary>
/// <param name="Line">Where it is, from 1.</param>
internal abstract record Expression(int Line);

internal sealed record NameExpression(int Line, string Name) : Expression(Line);

internal sealed record StringExpression(int Line, string Value) : Expression(Line);

internal sealed record IntegerExpression(int Line, BigInteger Value) : Expression(Line);

internal sealed record FloatExpression(int Line, double Value) : Expression(Line);

/// <summary><c>true</c>, <c>false</c> or, with null, <c>none</c>.</summary>
internal sealed record ConstantExpression(int Line, bool? Value) : Expression(Line);

internal sealed record ListExpression(int Line, IReadOnlyList<Expression> Items) : Expression(Line);

internal sealed record TupleExpression(int Line, IReadOnlyList<Expression> Items) : Expression(Line);

internal sealed record DictExpression(int Line, IReadOnlyList<(Expression Key, Expression Value)> Items) : Expression(Line);

/// <summary><c>of.name</c></summary>
internal sealed record AttributeExpression(int Line, Expression Of, string Name) : Expression(Line);

/// <summary><c>of[index]</c></summary>
internal sealed record ItemExpression(int Line, Expression Of, Expression Index) : Expression(Line);

/// <summary><c>from:to:step</c>, in an index.</summary>
internal sealed record SliceExpression(int Line, Expression? From, Expression? To, Expression? Step) : Expression(Line);

/// <summary>What a call is given.</summary>
/// <param name="Positional">By place.</param>
/// <param name="Named">By name, in the order given.</param>
/// <param name="Rest"><c>*rest</c>: further ones by place.</param>
/// <param name="NamedRest"><c>**rest</c>: further ones by name.</param>
internal sealed record Arguments(
    IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Rest, Expression? NamedRest)
{
    public static Arguments None { get; } = new([], [], null, null);
}

internal sealed record CallExpression(int Line, Expression Function, Arguments Arguments) : Expression(Line);

/// <summary><c>of | name(arguments)</c>; of a filtered block nothing stands before.</summary>
internal sealed record FilterExpression(int Line, Expression? Of, string Name, Arguments Arguments) : Expression(Line);

/// <summary><c>of is name(arguments)</c></summary>
internal sealed record TestExpression(int Line, Expression Of, string Name, Arguments Arguments) : Expression(Line);

internal enum UnaryOperator
{
    Plus,
    Minus,
    Not,
}

internal sealed record UnaryExpression(int Line, UnaryOperator Operator, Expression Of) : Expression(Line);

internal enum BinaryOperator
{
    And,
    Or,
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

internal sealed record BinaryExpression(int Line, BinaryOperator Operator, Expression Left, Expression Right) : Expression(Line);

/// <summary>All joined as text: <c>a ~ b</c>.</summary>
internal sealed record ConcatExpression(int Line, IReadOnlyList<Expression> Items) : Expression(Line);

internal enum Comparison
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// <summary>A chain: <c>a &lt; b &lt; c</c> is <c>a &lt; b and b &lt; c</c>, with b looked at once.</summary>
internal sealed record CompareExpression(int Line, Expression First, IReadOnlyList<(Comparison Operator, Expression With)> Rest) : Expression(Line);

/// <summary><c>then if test else otherwise</c>; without an else it is undefined.</summary>
internal sealed record ConditionalExpression(int Line, Expression Test, Expression Then, Expression? Otherwise) : Expression(Line);
