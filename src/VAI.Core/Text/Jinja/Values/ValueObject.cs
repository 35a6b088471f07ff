using VAI.Text.Jinja.Running;

namespace VAI.Text.Jinja.Values;

/// <summary>What has attributes or can be called.</summary>
internal abstract class ValueObject
{
    /// <summary>What it is, in the words of an error and where it is written.</summary>
    public abstract string Name { get; }

    public virtual bool IsCallable => false;

    /// <summary>An attribute; missing where it has none of that name.</summary>
    public virtual Value Attribute(string name) => default;

    public virtual Value Call(Rendering run, CallArguments arguments) => throw run.Error($"{Name} cannot be called");
}

/// <summary>What <c>namespace()</c> gives: a template may set its attributes from within loops.</summary>
internal sealed class ValueNamespace : ValueObject
{
    private readonly Dictionary<string, Value> _attributes = [];

    public override string Name => "<Namespace>";

    public override Value Attribute(string name) => _attributes.GetValueOrDefault(name);

    public void Set(string name, Value value) => _attributes[name] = value;
}
