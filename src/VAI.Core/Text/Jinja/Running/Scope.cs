using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>Names of a body and their values. What it does not have, the one around it may.</summary>
/// <param name="outer">The one around it, where it is written.</param>
internal sealed class Scope(Scope? outer)
{
    // A body has few names: looking through them is quicker than hashing, and a scope of a loop is made again for each item.
    private const int Few = 8;

    private (string Name, Value Value)[] _names = [];
    private int _count;
    private Dictionary<string, Value>? _many;

    /// <summary>A name's value; missing where there is none.</summary>
    public Value Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            Value value = scope.Own(name);
            if (!value.IsMissing)
                return value;
        }

        return default;
    }

    public void Set(string name, Value value)
    {
        if (_many is not null)
        {
            _many[name] = value;
            return;
        }

        for (int i = 0; i < _count; i++)
        {
            if (_names[i].Name == name)
            {
                _names[i].Value = value;
                return;
            }
        }

        if (_count == Few)
        {
            _many = _names.Take(_count).ToDictionary(n => n.Name, n => n.Value);
            _many[name] = value;
            return;
        }

        if (_count == _names.Length)
            Array.Resize(ref _names, _count == 0 ? 4 : Few);
        _names[_count++] = (name, value);
    }

    /// <summary>Forgets its names, for the next item of a loop, if nothing else can still see them.</summary>
    /// <returns>This, or another where a macro was defined in it.</returns>
    public Scope Next()
    {
        if (IsCaptured)
            return new Scope(Outer);
        _count = 0;
        _many = null;
        return this;
    }

    /// <summary>Whether a macro or the body of a call sees it, perhaps later.</summary>
    public bool IsCaptured { get; set; }

    private Scope? Outer { get; } = outer;

    private Value Own(string name)
    {
        if (_many is not null)
            return _many.GetValueOrDefault(name);
        for (int i = 0; i < _count; i++)
        {
            if (_names[i].Name == name)
                return _names[i].Value;
        }

        return default;
    }
}
