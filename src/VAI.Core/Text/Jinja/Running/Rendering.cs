using VAI.Text.Jinja.Builtins;
using VAI.Text.Jinja.Syntax;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>A run of a template: what it has written, what it may still do, and where it is.</summary>
internal sealed partial class Rendering
{
    private readonly Scope _globals = new(null);
    private int _calls;

    public Rendering(Budget budget, TimeProvider time)
    {
        Budget = budget;
        Time = time;
        Text = new PythonText(budget);
        Order = new ValueOrder(budget);
        Output = new TextBuilder(budget);
    }

    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    public Budget Budget { get; }

    /// <summary>Of <c>strftime_now</c>.</summary>
    public TimeProvider Time { get; }

    public PythonText Text { get; }

    public ValueOrder Order { get; }

    private TextBuilder Output { get; set; }

    public TemplateError Error(string what) => Budget.Error(what);

    /// <summary>What the template itself says is wrong with the conversation.</summary>
    public TemplateError Refused(string words) => new(Budget.Line, words, isRefusal: true);

    /// <summary>Renders a template with the names that it is given.</summary>
    /// <exception cref="TemplateError">The template does what it may not, or says itself that the conversation is none for it.</exception>
    public Value Render(IReadOnlyList<Statement> template, ValueDict context)
    {
        foreach ((Value name, Value value) in context)
            _globals.Set(name.String, value);
        Run(template, new Scope(_globals));
        return Output.ToValue();
    }

    /// <summary>What a macro's body writes, as a text.</summary>
    public Value Capture(IReadOnlyList<Statement> body, Scope scope) => Captured(() => Run(body, scope));

    /// <summary>A call of a macro, of which few may be within each other.</summary>
    public Value Enter(Func<Value> call)
    {
        if (++_calls > Budget.MostCalls)
            throw Error($"more than {Budget.MostCalls} calls of macros are within each other");
        Value result = call();
        _calls--;
        return result;
    }

    private Flow Run(IReadOnlyList<Statement> body, Scope scope)
    {
        // By index: an enumerator of an interface is allocated.
        for (int i = 0; i < body.Count; i++)
        {
            Flow flow = Run(body[i], scope);
            if (flow != Flow.Next)
                return flow;
        }

        return Flow.Next;
    }

    private Flow Run(Statement statement, Scope scope)
    {
        Budget.Line = statement.Line;
        if (statement is TextStatement text)
        {
            Budget.Step();
            Output.Append(text.Text, callers: false);
            return Flow.Next;
        }

        Budget.Enter();
        Flow flow = Flow.Next;
        switch (statement)
        {
            case OutputStatement output:
                Output.Append(Text.Write(Evaluate(output.Value, scope)));
                break;
            case IfStatement choice:
                flow = RunIf(choice, scope);
                break;
            case ForStatement loop:
                flow = RunLoop(loop, scope, Evaluate(loop.Items, scope), depth: 1);
                break;
            case SetStatement set:
                Assign(set.Target, Evaluate(set.Value, scope), scope);
                break;
            case SetBlockStatement block:
                flow = RunCaptured(block.Body, scope, out Value written);
                if (flow == Flow.Next)
                    Assign(block.Target, block.Filter is null ? written : Filter(block.Filter, written, scope), scope);
                break;
            case MacroStatement macro:
                scope.IsCaptured = true;
                scope.Set(macro.Name, new Macro(macro, scope));
                break;
            case CallStatement call:
                scope.IsCaptured = true;
                var caller = new Macro(call.Body, scope);
                Output.Append(Text.Write(Call(call.Call, scope, caller)));
                break;
            case FilterStatement filter:
                flow = RunCaptured(filter.Body, scope, out Value filtered);
                if (flow == Flow.Next)
                    Output.Append(Text.Write(Filter(filter.Filter, filtered, scope)));
                break;
            case WithStatement with:
                flow = RunWith(with, scope);
                break;
            case PlainBlockStatement plain:
                flow = Run(plain.Body, new Scope(scope));
                break;
            case DoStatement @do:
                Evaluate(@do.Value, scope);
                break;
            case BreakStatement:
                flow = Flow.Break;
                break;
            case ContinueStatement:
                flow = Flow.Continue;
                break;
        }

        Budget.Leave();
        return flow;
    }

    private Flow RunIf(IfStatement choice, Scope scope)
    {
        for (int i = 0; i < choice.Branches.Count; i++)
        {
            (Expression? test, IReadOnlyList<Statement> body) = choice.Branches[i];
            if (test is null || Truth.Of(Evaluate(test, scope)))
                return Run(body, scope);
        }

        return Flow.Next;
    }

    private Flow RunWith(WithStatement with, Scope scope)
    {
        // Values are those of the outside, whatever the block gives to the same names.
        var inner = new Scope(scope);
        foreach ((Expression target, Expression value) in with.Variables)
            Assign(target, Evaluate(value, scope), inner);
        return Run(with.Body, inner);
    }

    private Flow RunLoop(ForStatement statement, Scope scope, Value items, int depth)
    {
        List<Value> list = Iteration.Items(this, items);
        if (statement.Test is not null)
            list = Kept(statement, scope, list);
        var loop = new Loop(list, depth, statement.IsRecursive ? inner => LoopAgain(statement, scope, inner, depth + 1) : null);
        var body = new Scope(scope);

        // 'else' is for a loop of which no item came to its end, not only for one without items.
        bool ended = false;
        for (int i = 0; i < list.Count; i++)
        {
            Budget.Step();
            Budget.Line = statement.Line;
            body = body.Next();
            loop.Index = i;
            body.Set("loop", loop);
            Assign(statement.Target, list[i], body);
            Flow flow = Run(statement.Body, body);
            ended |= flow == Flow.Next;
            if (flow == Flow.Break)
                break;
        }

        return ended ? Flow.Next : Run(statement.Otherwise, new Scope(scope));
    }

    private Value LoopAgain(ForStatement statement, Scope scope, Value items, int depth) =>
        Enter(() => Captured(() => RunLoop(statement, scope, items, depth)));

    // What is left by 'break' or 'continue' writes nothing.
    private Flow RunCaptured(IReadOnlyList<Statement> body, Scope scope, out Value written)
    {
        Flow flow = Flow.Next;
        written = Captured(() => flow = Run(body, new Scope(scope)));
        return flow;
    }

    // An error ends the whole rendering: nothing is put back for it.
    private Value Captured(Action run)
    {
        TextBuilder output = Output;
        Output = new TextBuilder(Budget);
        run();
        Value written = Output.ToValue();
        Output = output;
        return written;
    }

    private List<Value> Kept(ForStatement statement, Scope scope, List<Value> items)
    {
        var kept = new List<Value>();
        var inner = new Scope(scope);
        for (int i = 0; i < items.Count; i++)
        {
            inner = inner.Next();
            Assign(statement.Target, items[i], inner);
            if (Truth.Of(Evaluate(statement.Test!, inner)))
                kept.Add(items[i]);
        }

        return kept;
    }

    /// <summary>Gives a value to a name, to names, or to a namespace's attribute.</summary>
    private void Assign(Expression target, Value value, Scope scope)
    {
        switch (target)
        {
            case NameExpression name:
                scope.Set(name.Name, value);
                break;
            case AttributeExpression { Of: NameExpression of } attribute:
                if (Find(of.Name, scope) is not { Kind: ValueKind.Object, Object: ValueNamespace space })
                    throw Error($"'{of.Name}' is no namespace, so that its '{attribute.Name}' cannot be set");
                space.Set(attribute.Name, value);
                break;
            case TupleExpression tuple:
                List<Value> items = Iteration.Items(this, value);
                if (items.Count != tuple.Items.Count)
                    throw Error($"{What.Is(value)} of {items.Count} items cannot be taken apart into {tuple.Items.Count} names");
                for (int i = 0; i < items.Count; i++)
                    Assign(tuple.Items[i], items[i], scope);
                break;
        }
    }

    private Value Find(string name, Scope scope)
    {
        Value value = scope.Find(name);
        return !value.IsMissing ? value : Globals.Find(name) is { } global ? global : Value.Undefined(name);
    }
}
