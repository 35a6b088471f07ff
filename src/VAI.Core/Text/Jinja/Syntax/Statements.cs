namespace VAI.Text.Jinja.Syntax;

/// <summary>What writes or changes something.</summary>
/// <param name="Line">Where it is, from 1.</param>
internal abstract record Statement(int Line);

/// <summary>The template's own text.</summary>
internal sealed record TextStatement(int Line, string Text) : Statement(Line);

/// <summary><c>{{ value }}</c></summary>
internal sealed record OutputStatement(int Line, Expression Value) : Statement(Line);

/// <summary>Branches in their order; the last one's test is null where there is an else.</summary>
internal sealed record IfStatement(int Line, IReadOnlyList<(Expression? Test, IReadOnlyList<Statement> Body)> Branches) : Statement(Line);

/// <param name="Line">Where it is, from 1.</param>
/// <param name="Target">A name, or a tuple of targets.</param>
/// <param name="Items">What is gone through.</param>
/// <param name="Test">Items for which it is not true are left out; null for none.</param>
/// <param name="IsRecursive">Whether the body may call <c>loop</c>.</param>
/// <param name="Body">For each.</param>
/// <param name="Otherwise">Where there is no item.</param>
internal sealed record ForStatement(
    int Line, Expression Target, Expression Items, Expression? Test, bool IsRecursive, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Otherwise)
    : Statement(Line);

/// <summary>A name, an attribute of a namespace, or a tuple of them.</summary>
internal sealed record SetStatement(int Line, Expression Target, Expression Value) : Statement(Line);

/// <summary>What a body writes becomes a value, after filters.</summary>
internal sealed record SetBlockStatement(int Line, Expression Target, FilterExpression? Filter, IReadOnlyList<Statement> Body) : Statement(Line);

/// <summary>A macro's parameter, with what it is where a call does not say.</summary>
internal sealed record Parameter(string Name, Expression? Default);

/// <param name="Line">Where it is, from 1.</param>
/// <param name="Name">What it is called by.</param>
/// <param name="Parameters">In their order.</param>
/// <param name="Body">What it writes.</param>
/// <param name="TakesMore">Whether it reads <c>varargs</c>, and so may be given more than its parameters by place.</param>
/// <param name="TakesMoreNamed">The same with <c>kwargs</c>, by name.</param>
/// <param name="TakesCaller">Whether it reads <c>caller</c>, and so may be called with a body.</param>
internal sealed record MacroStatement(
    int Line, string Name, IReadOnlyList<Parameter> Parameters, IReadOnlyList<Statement> Body, bool TakesMore, bool TakesMoreNamed,
    bool TakesCaller) : Statement(Line);

/// <summary>A call whose body the macro has as <c>caller</c>.</summary>
internal sealed record CallStatement(int Line, CallExpression Call, MacroStatement Body) : Statement(Line);

internal sealed record FilterStatement(int Line, FilterExpression Filter, IReadOnlyList<Statement> Body) : Statement(Line);

internal sealed record WithStatement(int Line, IReadOnlyList<(Expression Target, Expression Value)> Variables, IReadOnlyList<Statement> Body) : Statement(Line);

/// <summary>A body of its own scope: what a training template marks (<c>generation</c>), or <c>autoescape</c>.</summary>
internal sealed record PlainBlockStatement(int Line, IReadOnlyList<Statement> Body) : Statement(Line);

/// <summary>An expression for what it does.</summary>
internal sealed record DoStatement(int Line, Expression Value) : Statement(Line);

internal sealed record BreakStatement(int Line) : Statement(Line);

internal sealed record ContinueStatement(int Line) : Statement(Line);
