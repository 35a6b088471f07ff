using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace VAI.Core.Tests.Text.Jinja;

/// <summary>Templates and contexts that nobody would write, out of some that somebody wrote.</summary>
internal sealed partial class Mutator(IReadOnlyList<string> templates, IReadOnlyList<string> contexts, int seed)
{
    private static readonly string[] Pieces =
    [
        "{% for x in xs %}", "{% endfor %}", "{% if x %}", "{% else %}", "{% endif %}", "{% set x = ", "{% set s = s ~ s %}", "{% set xs = xs + xs %}", "{% macro m(a, b=1) %}",
        "{% endmacro %}", "{{ m(m) }}", "{{ loop(xs) }}", "{% call m() %}", "{% endcall %}", "{% raw %}", "{{ caller() }}", "{% for x in range(99999) %}", "{% break %}", "{{", "}}", "{%", "%}", "{#",
        "|list", "|tojson(indent=999)", "|join(s)", "|replace('', s)", "|replace('a', s)", "|indent(1000)", "|center(2000000)", "|batch(3, 1)", "|slice(99999)", "|map('upper')", "|sort", "|groupby('a')",
        "|wordwrap(1)", "|unique", "|sum", "|reverse", "|items", "|dictsort", "|string", "|length", "|format(s, s)", "|truncate(5)", "|striptags", "|urlencode", "|xmlattr", "|int", "|round(99)", "|pprint",
        ".split()", ".split('a')", ".append(xs)", ".pop()", ".update(d)", ".items()", ".join(xs)", ".format(s, s)", ".zfill(999999)", ".splitlines()", ".title()", ".count('')", ".expandtabs(999)",
        "[::-1]", "[1:]", "[0]", "[-1]", " ~ ", " + ", " * ", " ** ", " // ", " % ", " - ", " in ", " not in ", " == ", " < ", " and ", " or ", " not ", " if ", " else ", " is ", "(", ")", "[", "]", "{", "}", ",", ":",
        "99999999", "10**9", "2**64", "1e308", "-1", "0", "0.5", "'%1000d'", "'%s%s'", "'{:>1000}'", "''", "'a'", "'\\ud83d'", "xs", "s", "d", "x", "nope", "none", "true", "namespace(a=1)", "range(9)", "cycler(1, 2)", "loop",
    ];

    private readonly Random _random = new(seed);

    public string Template()
    {
        List<string> tokens = [.. Tokens().Matches(Pick(templates)).Select(m => m.Value)];
        for (int i = _random.Next(1, 9); i > 0 && tokens.Count > 0; i--)
            Change(tokens);
        return string.Concat(tokens);
    }

    public JsonElement Context()
    {
        JsonNode context = JsonNode.Parse(Pick(contexts))!;
        foreach (string name in new[] { "x", "xs", "s", "d" })
        {
            if (_random.Next(3) == 0)
                context[name] = Any(0);
        }

        using JsonDocument document = JsonDocument.Parse(context.ToJsonString());
        return document.RootElement.Clone();
    }

    private void Change(List<string> tokens)
    {
        int at = _random.Next(tokens.Count), other = _random.Next(tokens.Count), length = _random.Next(1, Math.Min(40, tokens.Count - at) + 1);
        switch (_random.Next(7))
        {
            case 0:
                tokens.RemoveRange(at, Math.Min(length, 5));
                break;
            case 1:
                tokens.InsertRange(other, tokens.GetRange(at, length));
                break;
            case 2:
                (tokens[at], tokens[other]) = (tokens[other], tokens[at]);
                break;
            case 3:
                tokens[at] = Pick(Pieces);
                break;
            case 4:
                string again = Pick(Pieces);
                tokens.InsertRange(at, Enumerable.Repeat(again, _random.Next(20) == 0 ? 3_000 : _random.Next(1, 4)));
                break;
            case 5:
                tokens.InsertRange(at, Tokens().Matches(Pick(templates)).Select(m => m.Value).Take(60));
                break;
            default:
                tokens.Insert(at, Pick(Pieces));
                break;
        }
    }

    private JsonNode? Any(int depth) => _random.Next(depth < 4 ? 9 : 7) switch
    {
        0 => null,
        1 => _random.Next(2) == 0,
        2 => _random.Next(-5, 2_000_000_000),
        3 => _random.NextDouble() * Math.Pow(10, _random.Next(-300, 300)),
        4 => new string((char)_random.Next(32, 0x3000), _random.Next(10) == 0 ? _random.Next(100_000) : _random.Next(9)),
        5 => new StringBuilder().Insert(0, "<a> b\n", _random.Next(20)).ToString(),
        6 => "😀\u0000 %s {} {{ x }}",
        7 => new JsonArray([.. Enumerable.Range(0, _random.Next(40)).Select(_ => Any(depth + 1))]),
        _ => new JsonObject(Enumerable.Range(0, _random.Next(9)).Select(i => KeyValuePair.Create("a" + i, Any(depth + 1)))),
    };

    private T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];

    [GeneratedRegex(@"\{[%{#]-?|-?[%}#]\}|'[^'\n]*'|""[^""\n]*""|\w+|\s+|.", RegexOptions.Singleline)]
    private static partial Regex Tokens();
}
