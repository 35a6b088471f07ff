using VAI.Text.Jinja.Builtins;
using VAI.Text.Jinja.Builtins.Filtering;

namespace VAI.Text.Jinja.Syntax;

/// <summary>
/// Filters and tests that there are not. Jinja2 refuses a template for one that is certain to be asked for; within an <c>if</c>, as a statement or in an
/// expression, it is an error only where the branch is taken.
/// </summary>
internal sealed class KnownNames
{
    private readonly List<TemplateError> _unknown = [];

    /// <summary>Whether what is read now is no branch.</summary>
    public bool IsCertain { get; set; } = true;

    /// <summary>How many are unknown so far, for <see cref="Forget"/>.</summary>
    public int Count => _unknown.Count;

    public void Filter(Token name, string full)
    {
        if (IsCertain && Filters.Find(full) is null)
            _unknown.Add(new TemplateError(name.Line, $"there is no filter '{full}'"));
    }

    public void Test(Token name, string full)
    {
        if (IsCertain && Tests.Find(full) is null)
            _unknown.Add(new TemplateError(name.Line, $"there is no test '{full}'"));
    }

    /// <summary>Forgets those behind the first ones: it turned out that they stand in a branch.</summary>
    public void Forget(int count) => _unknown.RemoveRange(count, _unknown.Count - count);

    /// <summary>Reads a body of its own, which Jinja2 takes as certain wherever it stands.</summary>
    public T Within<T>(Func<T> read)
    {
        bool certain = IsCertain;
        IsCertain = true;
        T result = read();
        IsCertain = certain;
        return result;
    }

    /// <exception cref="TemplateError">There is one that is unknown.</exception>
    public void Check()
    {
        if (_unknown.Count > 0)
            throw _unknown[0];
    }
}
