using VAI.Text.Jinja.Syntax;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>A macro, or the body of a call, with the names that it sees where it is written.</summary>
internal sealed class Macro(MacroStatement macro, Scope outer) : ValueObject
{
    public override string Name => macro.Name.Length == 0 ? "<Macro anonymous>" : $"<Macro '{macro.Name}'>";

    public override bool IsCallable => true;

    public override Value Attribute(string attribute) => attribute switch
    {
        "name" => macro.Name.Length == 0 ? Value.None : macro.Name,
        "arguments" => Value.Tuple([.. macro.Parameters.Select(p => (Value)p.Name)]),
        "caller" => macro.TakesCaller,
        "catch_varargs" => macro.TakesMore,
        "catch_kwargs" => macro.TakesMoreNamed,
        _ => default,
    };

    public override Value Call(Rendering run, CallArguments arguments) => run.Enter(() => CallNow(run, arguments));

    private Value CallNow(Rendering run, CallArguments arguments)
    {
        IReadOnlyList<Parameter> parameters = macro.Parameters;
        var scope = new Scope(outer);
        var given = new Value[parameters.Count];
        Array.Copy(arguments.Positional, given, Math.Min(given.Length, arguments.Count));
        ValueDict? others = macro.TakesMoreNamed ? new ValueDict() : null;
        Value caller = default;
        foreach ((Value name, Value value) in arguments.Named)
        {
            run.Budget.Among(parameters.Count);
            string argument = name.String;
            int at = Index(argument);
            if (at >= 0 && !given[at].IsMissing)
                throw run.Error($"the macro '{macro.Name}' is given '{argument}' twice");
            if (at >= 0)
                given[at] = value;
            else if (argument == "caller" && macro.TakesCaller)
                caller = value;
            else if (others is not null)
                others.Set(name, value);
            else
                throw run.Error($"the macro '{macro.Name}' has no argument '{argument}'");
        }

        if (macro.TakesMore)
            scope.Set("varargs", Value.Tuple(arguments.Positional.AsSpan(Math.Min(parameters.Count, arguments.Count))));
        else if (arguments.Count > parameters.Count)
            throw run.Error($"the macro '{macro.Name}' takes at most {parameters.Count} arguments, and {arguments.Count} were given");
        if (others is not null)
            scope.Set("kwargs", others);
        scope.Set("caller", caller.IsMissing ? Value.Undefined("caller") : caller);
        for (int i = 0; i < given.Length; i++)
        {
            Parameter parameter = parameters[i];
            scope.Set(parameter.Name, !given[i].IsMissing ? given[i]
                : parameter.Default is not null ? run.Evaluate(parameter.Default, scope)
                : Value.Undefined(parameter.Name));
        }

        return run.Capture(macro.Body, scope);
    }

    private int Index(string parameter)
    {
        for (int i = 0; i < macro.Parameters.Count; i++)
        {
            if (macro.Parameters[i].Name == parameter)
                return i;
        }

        return -1;
    }
}
