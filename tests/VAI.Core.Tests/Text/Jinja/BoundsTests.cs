using System.Diagnostics;
using System.Text;
using System.Text.Json;
using VAI.Text.Jinja;
using VAI.Text.Jinja.Builtins;
using VAI.Text.Jinja.Values;
using Xunit.Abstractions;

namespace VAI.Core.Tests.Text.Jinja;

/// <summary>A template is whoever's made the model's file: whatever it says, it ends in a text or in its own error, and takes little for it.</summary>
/// <remarks>
/// <c>VAI_TEST_TEMPLATES</c> is how many are mutated, <c>VAI_TEST_SEED</c> the seed of the first, <c>VAI_TEST_CORPUS</c> a file of more templates to mutate
/// (JSON: an array of objects with a <c>text</c>).
/// </remarks>
public sealed class BoundsTests(ITestOutputHelper output)
{
    private const long MostBytes = 256_000_000;

    private static int Count { get; } = TestVariables.Number("VAI_TEST_TEMPLATES") ?? 2_000;

    private static int Seed { get; } = TestVariables.Number("VAI_TEST_SEED") ?? (Environment.TickCount & 0xFFFFFF);

    public static TheoryData<string> Hostile =>
    [
        Many("{{ ", "(", "1", ")", " }}"), Many("{{ ", "[", "", "]", " }}"), Many("{{ ", "{1:", "1", "}", " }}"), Many("{{ ", "x[", "1", "]", " }}"), Many("{{ ", "x(", "", ")", " }}"),
        Many("", "{% if x %}", "", "{% endif %}", ""), Many("", "{% for x in xs %}", "", "{% endfor %}", ""), Many("", "{% macro m() %}", "", "{% endmacro %}", ""),
        Many("", "{% with %}", "", "{% endwith %}", ""), Many("", "{% set q %}", "", "{% endset %}", ""), Many("", "{% filter upper %}", "", "{% endfilter %}", ""), Many("", "{% call m() %}", "", "{% endcall %}", ""),
        Many("{{ ", "not ", "1", "", " }}"), Many("{{ ", "-", "1", "", " }}"), Many("{{ 1", "+1", "", "", " }}"), Many("{{ 'a'", "~'a'", "", "", " }}"), Many("{{ 1", " if 1 else 1", "", "", " }}"),
        Many("{{ 2", "**2", "", "", " }}"), Many("{{ 1", "==1", "", "", " }}"), Many("{{ x", ".a", "", "", " }}"), Many("{{ 'a'", "|upper", "", "", " }}"), Many("{{ 1", " is odd", "", "", " }}"),
        Many("{{ 1", " and 1", "", "", " }}"), Many("{{ ", "'a' ", "", "", " }}"), Many("{% set ", "(", "a", ")", " = 1 %}"), Many("{% for ", "(", "a", ")", " in xs %}{% endfor %}"), Many("{% if 1 %}", "{% elif 1 %}", "", "", "{% endif %}"),
        Many("", "{", "", "", ""), Many("", "{% raw %}", "", "", ""), Many("", "{#", "", "", ""), Many("{% set a = {} %}", "{% set a = [a] %}", "", "", "{{ a }}"),
        "{{ 'a' * 10**9 }}", "{{ 10**9 * 'a' }}", "{{ [1] * 10**9 }}", "{{ [] * 10**18 }}", "{{ range(10**9) }}", "{{ range(10**9)|length }}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}", "{% for i in range(99999) %}{{ range(99999)|list|length }}{% endfor %}",
        "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[1, 2]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}", "{% set ns = namespace(s=(1, 2)) %}{% for i in range(99) %}{% set ns.s = (ns.s, ns.s) %}{% endfor %}{{ {ns.s: 1}[ns.s] }}{{ ns.s == ns.s }}{{ ns.s < ns.s }}",
        "{% set a = namespace(s=(1, 2)) %}{% set b = namespace(s=(1, 2)) %}{% for i in range(60) %}{% set a.s = (a.s, a.s) %}{% set b.s = (b.s, b.s) %}{% endfor %}{{ a.s == b.s }}",
        "{% set a = namespace(s=(1, 2)) %}{% set b = namespace(s=(1, 2)) %}{% for i in range(60) %}{% set a.s = (a.s, a.s) %}{% set b.s = (b.s, b.s) %}{% endfor %}{{ {a.s: 1}[b.s] }}",
        "{% set a = namespace(s=1) %}{% for i in range(900) %}{% set a.s = (a.s,) %}{% endfor %}{{ {a.s: 1} }}{{ a.s|tojson }}{{ a.s }}", "{% set ns = namespace(s=1) %}{% for i in range(99999) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=1) %}{% for i in range(99999) %}{% set ns.s = (ns.s,) %}{% endfor %}{{ {ns.s: 1} }}", "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}", "{% set l = [] %}{% set _ = l.append(l) %}{{ l|tojson }}",
        "{% set l = [] %}{% set m = [] %}{% set _ = l.append(m) %}{% set _ = m.append(l) %}{{ l == m }}{{ l < m }}{{ [l, m]|sort }}", "{% set d = {} %}{% set _ = d.update(a=d) %}{{ d }}", "{% set d = {} %}{% set _ = d.update(a=d) %}{{ d|tojson }}",
        "{% set l = [1] %}{% for x in l %}{% set _ = l.append(x) %}{% endfor %}", "{% set l = [1] %}{% set _ = l.extend(l) %}{% for i in range(99) %}{% set _ = l.extend(l) %}{% endfor %}", "{% set d = {} %}{% for i in range(99999) %}{% set _ = d.update({i: 'x' * 99}) %}{% endfor %}{{ d|length }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% macro m(a) %}{{ m([a, a]) }}{% endmacro %}{{ m(1) }}", "{% macro m() %}{{ caller() }}{{ m() }}{% endmacro %}{% call m() %}{{ m() }}{% endcall %}", "{% macro m() %}{{ m() ~ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(50) }}", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "{% for x in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}", "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
        "{{ 2**2**2**2**2**2**2 }}", "{{ 9**9**9**9 }}", "{{ 2**(10**9) }}", "{{ 10**4000 * 10**4000 }}", "{{ 10**5000 }}", "{{ '%d' % 10**5000 }}", "{{ (10**4000)|tojson }}", "{{ 1.5 ** 10**9 }}", "{% for i in range(99999) %}{{ 10**4000 }}{% endfor %}", "{% for i in range(99999) %}{% set _ = 7**9000 // 3**9000 %}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{{ s.replace('', 'x' * 10000) }}", "{% set s = 'a' * 1000000 %}{{ s|replace('a', 'x' * 10000) }}", "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% set _ = s.replace('b', 'c') %}{% endfor %}", "{% set s = 'a' * 1000000 %}{{ s|list|join(s) }}",
        "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{{ s in s }}{{ s.count('aaaa') }}{{ s.find('b') }}{% endfor %}", "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% set _ = s|upper %}{% endfor %}", "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% set _ = s[1:] %}{% endfor %}",
        "{% set s = 'ab' * 500000 %}{{ s.find('ab' * 200000 ~ 'c') }}{{ ('ab' * 200000 ~ 'c') in s }}{{ s.count('ba' * 100000 ~ 'a') }}{{ s.rfind('c' ~ 'ab' * 200000) }}{{ s.split('ab' * 200000 ~ 'c')|length }}", "{% set s = 'a' * 500000 %}{{ s.find('a' * 250000 ~ 'b') }}", "{% set s = 'a' * 500000 %}{{ s.find('a' * 200000 ~ 'b' ~ 'a' * 200000) }}", "{% set d = namespace(a={}) %}{% for i in range(30000) %}{% set _ = d.a.update([]) if 0 else d.a.setdefault((i, i * 4294967297), 1) %}{% set _ = d.a.setdefault(i * 4294967297, 1) %}{% endfor %}{{ d.a|length }}",
        "{% set s = 'a' * 500000 %}{{ s.strip('b' * 500000) }}{{ s.strip('b' * 400000 ~ 'a') }}",
        "{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% set _ = s == s ~ '' %}{% endfor %}", "{% set s = '<' * 1000000 %}{{ s|striptags }}{{ s|e }}", "{% set s = '😀' * 500000 %}{{ s[::-1]|length }}{{ s[1] }}{% for i in range(9999) %}{% set _ = s[i] %}{% endfor %}", "{% set s = 'a\\n' * 500000 %}{{ s|indent(1000) }}",
        "{{ 'a'|indent(10**9) }}", "{{ 'a'|center(10**9) }}", "{{ 'a'|wordwrap(10**9) }}", "{{ ('a' * 1000000)|wordwrap(1) }}", "{{ ('a ' * 500000)|wordwrap(1) }}", "{{ ('a-' * 500000)|wordwrap(1) }}", "{{ ('-' * 1000000)|wordwrap(3) }}", "{{ ('-- ' * 300000)|wordwrap(3) }}", "{{ [1]|batch(10**9, 1)|list }}", "{{ [1]|batch(10**9) }}", "{{ [1]|slice(10**9)|list }}", "{{ [1]|slice(99999)|list|length }}",
        "{{ '%1000000000d' % 1 }}", "{{ '%.1000000000f' % 1 }}", "{{ '{:1000000000}'.format(1) }}", "{{ '{:.1000000000}'.format(1.5) }}", "{{ '%*d' % (10**9, 1) }}", "{{ '%99999999999999999999d' % 1 }}", "{{ ('%s' * 100000) % ('a',) }}", "{{ ('{0}' * 100000).format('a' * 1000) }}", "{{ ('{' * 100000).format(1) }}", "{{ ('{:' * 50000 ~ '}' * 50000).format(1) }}", "{{ ('%(' * 50000) % {} }}",
        "{{ 'a'.ljust(10**9) }}", "{{ 'a'.zfill(10**9) }}", "{{ ('\\t' * 100000).expandtabs(1000) }}", "{{ 'a'.center(10**12) }}", "{{ 'a'|truncate(10**9) }}", "{{ [1]|tojson(indent=10**9) }}", "{{ [1]|tojson(indent='x' * 100000) }}", "{{ ('1' * 100000)|int }}", "{{ ('1' * 100000)|float }}", "{{ ('f' * 100000)|int(0, 16) }}", "{{ ('9' * 4300)|int * ('9' * 4300)|int }}", "{{ 1|round(10**9) }}", "{{ 5|round(-300) }}", "{{ (10**4000)|round(-10**9) }}",
        "{{ range(99999)|sort|length }}{{ range(99999)|reverse|list|length }}{{ range(99999)|unique|list|length }}{{ range(99999)|sum }}", "{{ range(99999)|map('string')|join(',')|length }}", "{{ range(99999)|list|string|length }}", "{{ range(9999)|map('list') }}", "{{ range(99999)|groupby('a')|length }}", "{{ ([1] * 99999)|map('replace', 1, 'x' * 9999)|list|length }}",
        "{{ ([('a' * 9000)] * 900)|join|length }}{{ ([('a' * 9000)] * 9000)|join|length }}", "{{ ('a.' * 100000)|list|length }}{{ [{}]|map(attribute='a.' * 100000)|list }}", "{{ [{}]|sort(attribute='a,' * 100000) }}", "{{ ('[' * 100000)|from_json }}", "{{ ('{\"a\":' * 60 ~ '1' ~ '}' * 60)|from_json }}", "{{ ('[' ~ '1,' * 400000 ~ '1]')|from_json|length }}",
        "{% for i in range(99999) %}{% set _ = dict(a=i) %}{{ _ }}{% endfor %}", "{% for i in range(99999) %}{{ strftime_now('%c' * 9999) }}{% endfor %}", "{{ strftime_now('%c' * 300000) }}", "{{ {'a': 1}|xmlattr * 9999999 }}", "{% for i in range(99999) %}{{ loop.changed(range(99999)|list) }}{% endfor %}", "{% for i in range(99999) %}{{ ('a' * 1000) is lower }}{% endfor %}",
        "{% macro m() %}{{ varargs|length }}{{ kwargs|length }}{% endmacro %}{{ m(*range(99999)) }}{% for i in range(9999) %}{{ m(*range(99999)) }}{% endfor %}", "{% set ns = namespace(f=0) %}{% for i in range(9999) %}{% macro q() %}{{ ns.f }}{% endmacro %}{% set ns.f = q %}{% endfor %}{{ ns.f() }}",
    ];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void A_hostile_template_ends(string template)
    {
        using JsonDocument context = JsonDocument.Parse("""{"x": {"a": 1}, "xs": [1, 2, 3]}""");
        (string outcome, long bytes, TimeSpan time) = Run(template, context.RootElement);
        output.WriteLine($"{time.TotalMilliseconds:F0} ms, {bytes / 1_000_000} MB: {outcome}");
        Assert.InRange(bytes, 0, MostBytes);
    }

    [Fact]
    public void A_mutated_template_ends()
    {
        (List<string> templates, List<string> contexts) = Corpus();
        (double slowest, int slow, long largest, int large, int errors) = (0, 0, 0, 0, 0);
        for (int i = 0; i < Count; i++)
        {
            int seed = Seed + i;
            var mutator = new Mutator(templates, contexts, seed);
            string template = mutator.Template();
            JsonElement context = mutator.Context();
            if (Count == 1)
                output.WriteLine($"{template}\n{context}");
            try
            {
                (string outcome, long bytes, TimeSpan time) = Run(template, context);
                errors += outcome.Length > 0 ? 1 : 0;
                if (time.TotalMilliseconds > slowest)
                    (slowest, slow) = (time.TotalMilliseconds, seed);
                if (bytes > largest)
                    (largest, large) = (bytes, seed);
            }
            catch (Exception exception)
            {
                Assert.Fail($"VAI_TEST_SEED={seed}: {exception}\n{template}");
            }
        }

        output.WriteLine($"VAI_TEST_SEED={Seed} VAI_TEST_TEMPLATES={Count}: {errors} errors; slowest {slowest:F0} ms (seed {slow}), largest {largest / 1_000_000} MB (seed {large})");
        Assert.True(largest <= MostBytes, $"{largest} bytes were allocated with VAI_TEST_SEED={large}");
    }

    private static string Many(string before, string open, string inner, string close, string after)
    {
        const int Times = 100_000;
        return before + new StringBuilder().Insert(0, open, Times) + inner + new StringBuilder().Insert(0, close, Times) + after;
    }

    private static (string Error, long Bytes, TimeSpan Time) Run(string template, JsonElement context)
    {
        ContextSize size = default;
        var names = new ValueDict();
        foreach (JsonProperty name in context.EnumerateObject())
            names.Set(name.Name, JsonValues.Read(name.Value, ref size));
        string error = "";
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        try
        {
            Template.Parse(template).Render(names, size, TimeProvider.System);
        }
        catch (TemplateError exception)
        {
            error = exception.Message;
        }

        return (error, GC.GetAllocatedBytesForCurrentThread() - before, Stopwatch.GetElapsedTime(start));
    }

    private static (List<string> Templates, List<string> Contexts) Corpus()
    {
        List<string> templates = [], contexts = [];
        foreach (string file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Text", "Jinja", "Cases"), "*.json").Order(StringComparer.Ordinal))
        {
            using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(file));
            contexts.Add(cases.RootElement.GetProperty("context").GetRawText());
            templates.AddRange(cases.RootElement.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("template").GetString()!));
        }

        if (Environment.GetEnvironmentVariable("VAI_TEST_CORPUS") is { Length: > 0 } more)
        {
            using JsonDocument corpus = JsonDocument.Parse(File.ReadAllBytes(more));
            templates.AddRange(corpus.RootElement.EnumerateArray().Select(t => t.GetProperty("text").GetString()!));
        }

        return (templates, contexts);
    }
}
