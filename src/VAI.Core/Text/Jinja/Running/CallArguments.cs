using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>What a call gives, by place and by name.</summary>
/// <param name="positional">By place.</param>
/// <param name="named">By name. A name is a text with its marks: behind <c>**</c> it may be the caller's, and become a key.</param>
internal readonly struct CallArguments(Value[] positional, (Value Name, Value Value)[] named)
{
    private static readonly Value[] NoValues = [];
    private static readonly (Value, Value)[] NoNames = [];

    public static CallArguments None { get; } = new(NoValues, NoNames);

    public Value[] Positional => positional;

    public (Value Name, Value Value)[] Named => named;

    /// <summary>One by place; missing where it was not given.</summary>
    public Value this[int index] => index < positional.Length ? positional[index] : default;

    public int Count => positional.Length;

    /// <summary>One by name; missing where it was not given.</summary>
    public Value this[string name]
    {
        get
        {
            foreach ((Value known, Value value) in named)
            {
                if (known.String == name)
                    return value;
            }

            return default;
        }
    }

    /// <summary>The same, all by place.</summary>
    /// <param name="run">Whose errors they are.</param>
    /// <param name="function">What is called.</param>
    /// <param name="parameters">Its parameters in their order; those with a slash before them are given by place only.</param>
    /// <exception cref="TemplateError">One too many, twice, or of another name.</exception>
    public CallArguments Bind(Rendering run, string function, string[] parameters)
    {
        if (positional.Length > parameters.Length)
            throw run.Error($"'{function}' takes at most {parameters.Length} arguments, and {positional.Length} were given");
        if (named.Length == 0)
            return this;
        var all = new Value[parameters.Length];
        positional.CopyTo(all, 0);
        foreach ((Value argument, Value value) in named)
        {
            string name = argument.String;
            int at = Array.IndexOf(parameters, name);
            if (at < 0)
                throw run.Error($"'{function}' has no argument '{name}'");
            if (!all[at].IsMissing)
                throw run.Error($"'{function}' is given '{name}' twice");
            all[at] = value;
        }

        return new CallArguments(all, NoNames);
    }

    /// <summary>All but the first by place.</summary>
    public CallArguments Skip(int count) => new(positional.Length <= count ? NoValues : positional[count..], named);
}
