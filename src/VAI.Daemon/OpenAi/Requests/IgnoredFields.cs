using System.Text;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>
/// What of a request has no effect, by its place in the document: the client is told in a header, since clients and gateways send fields of
/// their own. Bounded in number and length, and printable ASCII, whatever was sent.
/// </summary>
/// <param name="strict">Whether fields that are not known are refused instead.</param>
internal sealed class IgnoredFields(bool strict)
{
    public const string Header = "x-vai-ignored";

    private const int Most = 32;
    private const int MostCharacters = 1024;

    private readonly List<string> _names = [];
    private int _characters;
    private bool _more;

    /// <summary>Whether fields that are not known are refused.</summary>
    public bool Strict => strict;

    /// <summary>The places, as far as there is room for them.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <param name="place">As <c>messages[0].mood</c>.</param>
    public void Add(string place)
    {
        string name = Printable(place);
        if (_more || _names.Contains(name))
            return;
        if (_names.Count == Most || _characters + name.Length > MostCharacters)
        {
            _more = true;
            return;
        }

        _names.Add(name);
        _characters += name.Length + 2;
    }

    /// <summary>The header's value; three dots at its end stand for those there was no room for.</summary>
    public override string ToString() => string.Join(", ", _more ? [.. _names, "..."] : _names);

    private static string Printable(string place)
    {
        var text = new StringBuilder(place.Length);
        foreach (char c in place)
            text.Append(c is > ' ' and < '\x7F' and not ',' ? c : '?');
        return text.ToString();
    }
}
