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
    /// <summary>Its attributes by their names.</summary>
    public ValueDict Attributes { get; } = new();

    public override string Name => "<Namespace>";

    public override Value Attribute(string name) => Attributes.TryGet(name, out Value value) ? value : default;

    public void Set(string name, Value value) => Attributes.Set(name, value);
}
