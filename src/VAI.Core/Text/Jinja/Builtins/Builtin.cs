using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins;

/// <summary>What Jinja2 or Python gives to every template: a filter, a test, a method.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Parameters">What it takes besides what it is applied to, in order; null where it looks itself at what it is given.</param>
/// <param name="Body">What it does.</param>
internal sealed record Builtin(string Name, string[]? Parameters, BuiltinBody Body)
{
    public Value Call(Rendering run, Value self, CallArguments arguments)
    {
        // Most make something, which is memory.
        run.Budget.Spend(2);
        return Body(run, self, Parameters is null ? arguments : arguments.Bind(run, Name, Parameters));
    }

    /// <summary>A table of them by name.</summary>
    public static Dictionary<string, Builtin> Table(params IEnumerable<Builtin>[] groups) =>
        groups.SelectMany(g => g).ToDictionary(b => b.Name, StringComparer.Ordinal);
}

/// <param name="run">The rendering.</param>
/// <param name="self">What stands before the filter, the test or the dot.</param>
/// <param name="arguments">What stands in its parentheses.</param>
internal delegate Value BuiltinBody(Rendering run, Value self, CallArguments arguments);
