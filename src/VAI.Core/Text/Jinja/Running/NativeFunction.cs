using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>A function that is not the template's own.</summary>
internal sealed class NativeFunction(string name, Func<Rendering, CallArguments, Value> body) : ValueObject
{
    public override string Name => $"<function {name}>";

    public override bool IsCallable => true;

    public override Value Call(Rendering run, CallArguments arguments) => body(run, arguments);
}
