using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>What the body of a <c>for</c> has as <c>loop</c>.</summary>
/// <param name="items">What is gone through.</param>
/// <param name="depth">Of a recursive loop, from 1.</param>
/// <param name="again">Runs it for other items; null where it is not recursive.</param>
internal sealed class Loop(List<Value> items, int depth, Func<Value, Value>? again) : ValueObject
{
    private Value _changing;

    /// <summary>Of the current item, from 0.</summary>
    public int Index { get; set; }

    public override string Name => $"<LoopContext {Index + 1}/{items.Count}>";

    public override bool IsCallable => true;

    public override Value Call(Rendering run, CallArguments arguments) =>
        again is not null && arguments.Count == 1 ? again(arguments[0]) : throw run.Error("'loop' is called with what to go through, in a recursive loop");

    public override Value Attribute(string name) => name switch
    {
        "index" => (long)Index + 1,
        "index0" => (long)Index,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        "revindex" => (long)items.Count - Index,
        "revindex0" => (long)items.Count - Index - 1,
        "previtem" => Index > 0 ? items[Index - 1] : Value.Undefined("previtem"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : Value.Undefined("nextitem"),
        "depth" => (long)depth,
        "depth0" => (long)depth - 1,
        "cycle" => new NativeFunction("cycle", (run, arguments) =>
            arguments.Count > 0 ? arguments[Index % arguments.Count] : throw run.Error("'loop.cycle' needs what to choose from")),
        "changed" => new NativeFunction("changed", (run, arguments) =>
        {
            Value now = Value.Tuple(arguments.Positional);
            bool same = !_changing.IsMissing && ValueEquality.Equal(_changing, now, run.Budget);
            _changing = now;
            return !same;
        }),
        _ => default,
    };
}
