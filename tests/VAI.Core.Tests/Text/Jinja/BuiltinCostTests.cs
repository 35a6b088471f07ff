using System.Diagnostics;
using System.Numerics;
using VAI.Text.Jinja;
using VAI.Text.Jinja.Builtins.Filtering;
using VAI.Text.Jinja.Builtins.Types;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Values;
using Xunit.Abstractions;
using BuiltinTests = VAI.Text.Jinja.Builtins.Tests;

namespace VAI.Core.Tests.Text.Jinja;

/// <summary>What a builtin costs is counted by what it takes: in a loop over something large, each ends by the same number of steps, and few bytes for each.</summary>
/// <remarks><c>VAI_TEST_STEPS</c> is how many a template may do.</remarks>
public sealed class BuiltinCostTests(ITestOutputHelper output)
{
    private const long BytesOfStep = 256;

    // Of what is made before the next step is counted.
    private const long Slack = 16_000_000;

    private static readonly string[] Subjects =
    [
        "'Ab c' * 5000", "'Ab' * 10000", "'\u1b96' * 20000", "'\u00df\u03a3' * 10000", "'\U0001F600' * 10000", "'a\n' * 10000", "'<a>' * 7000", "'12' * 10000", "'12' * 2000", "'%' * 20000", "['Ab '] * 2000", "[['\u1b96' * 20]] * 500",
        "dict(a='Ab ' * 5000, b=['\u1b96' * 100] * 50)", "7 ** 3000", "1.5", "range(3000)", "(1, 'a' * 9000)",
    ];

    private static readonly string[] Arguments = ["", "'a'", "'a', 'b'", "3", "3, 'a'", "0, 16", "'\u1b96' * 2000", "s"];

    private static int Steps { get; } = TestVariables.Number("VAI_TEST_STEPS") ?? 40_000;

    public static TheoryData<string> Kinds => ["filter", "test", "method"];

    /// <summary>What is short in a template goes through, or keeps, something long.</summary>
    [Theory]
    [InlineData("{% set _ = d[s] %}", 30)]
    [InlineData("{% set _ = s in d %}", 30)]
    [InlineData("{% set _ = d.get(s) %}", 30)]
    [InlineData("{% set _ = {s: 1} %}", 30)]
    [InlineData("{% set _ = d.copy() %}", 30)]
    [InlineData("{% set _ = dict(**d) %}", 30)]
    [InlineData("{% set _ = {}|attr(s) %}", 30)]
    [InlineData("{% set _ = [{}]|map(attribute=s)|list %}", 30)]
    [InlineData("{% set _ = [{}]|selectattr(s)|list %}", 30)]
    [InlineData("{% set _ = s is filter %}", 30)]
    [InlineData("{% set _ = [s] == [t] %}", 30)]
    [InlineData("{% set _ = {1: s} == {1: t} %}", 30)]
    [InlineData("{% set _ = s < t %}", 30)]
    [InlineData("{% set _ = [s] < [t] %}", 30)]
    [InlineData("{% set _ = loop.changed(s) or loop.changed(t) %}", 30)]
    [InlineData("{% set _ = [s]|sort %}", 30)]
    [InlineData("{% set _ = [s]|unique|list %}", 30)]
    [InlineData("{% set _ = [s]|min %}", 30)]
    [InlineData("{% set _ = [{'a': s}]|groupby('a') %}", 30)]
    [InlineData("{% set _ = {'a': s}|dictsort(by='value') %}", 30)]
    [InlineData("{% set _ = '{:d}'.format(n) ~ '%d' % n %}", 1_000)]
    [InlineData("{% set _ = ('{b7}' * 100).format(**many) %}", 4_000)]
    [InlineData("{% set _ = many.pop('b0', 1) ~ many.pop('b1', 1) ~ many.pop('b2', 1) ~ many.pop('b3', 1) %}", 30)]
    public void What_is_gone_through_is_counted(string use, int most)
    {
        const int Times = 2_000;
        var many = new ValueDict();
        for (int i = 0; i < Times; i++)
            many.Set($"b{i}", 1L);
        var d = new ValueDict();
        d.Set(new string('A', 200_000), 1L);
        var names = new ValueDict();
        foreach ((string name, Value value) in new (string, Value)[] { ("s", new string('A', 200_000)), ("t", new string('A', 200_000)), ("d", d), ("n", BigInteger.Pow(7, 4000)), ("many", many) })
            names.Set(name, value);
        Assert.NotNull(Render($"{{% for x in range({Times}) %}}{{% set _ = '{{}}'.format(x) ~ many.get(x) %}}{{% endfor %}}", 30 * Times, names));
        Assert.Null(Render($"{{% for x in range({Times}) %}}{use}{{% endfor %}}", most * Times, names));
    }

    [Fact]
    public void A_long_integer_is_written_digit_by_digit()
    {
        const string Use = "{% set n = 7 ** 4000 %}{% for x in range(20) %}{% set _ = '{:b}'.format(n) ~ '%o' % n ~ '{:x}'.format(n) ~ '%X' % n %}{% endfor %}";
        (long bytes, _, _) = Run(Use);
        Assert.True(bytes < 8_000_000, $"{bytes} bytes");
        Assert.Equal("1011 0 13 ff FFFFFFFFFFFFFFFFFF 100000000000000000000000", Render(
            "{{ '{:b}'.format(11) }} {{ '%o' % 0 }} {{ '{:o}'.format(11) }} {{ '%x' % 255 }} {{ '{:X}'.format(2 ** 72 - 1) }} {{ '{:o}'.format(8 ** 23) }}", 1_000, new ValueDict()));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_builtin_costs_what_it_does(string kind)
    {
        IEnumerable<string> names = kind switch { "filter" => Filters.Names, "test" => BuiltinTests.Names, _ => Methods.Names };
        List<(long Bytes, double Ms, string Use)> all = [];
        foreach (string name in names.Where(n => char.IsLetter(n[0])))
        {
            foreach (string arguments in Arguments)
            {
                string use = kind switch { "filter" => $"s|{name}({arguments})", "test" => $"s is {name}({arguments})", _ => $"s.{name}({arguments})" };
                foreach (string subject in Subjects)
                    all.Add(Run($"{{% set s = {subject} %}}{{% for x in range(9999) %}}{{% set _ = {use} %}}{{% endfor %}}"));
            }
        }

        foreach ((long bytes, double ms, string use) in all.OrderByDescending(a => a.Ms).Take(8).Concat(all.OrderByDescending(a => a.Bytes).Take(8)))
            output.WriteLine($"{ms:F0} ms, {bytes / Steps} bytes a step: {use}");
        Assert.All(all, a => Assert.True(a.Bytes <= Slack + (Steps * BytesOfStep), $"{a.Bytes} bytes: {a.Use}"));
    }

    // Null where it does more than it may.
    private static string? Render(string template, long steps, ValueDict names)
    {
        try
        {
            return new Rendering(new Budget(steps, 1 << 20), TimeProvider.System).Render(Template.Parse(template).Body, names).String;
        }
        catch (TemplateError error) when (error.Message.EndsWith($"more than {steps} steps", StringComparison.Ordinal))
        {
            return null;
        }
    }

    private static (long Bytes, double Ms, string Use) Run(string template)
    {
        Template parsed = Template.Parse(template);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        try
        {
            new Rendering(new Budget(Steps, 1 << 20), TimeProvider.System).Render(parsed.Body, new ValueDict());
        }
        catch (TemplateError)
        {
            // Most take something else, or do more than they may.
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before, Stopwatch.GetElapsedTime(start).TotalMilliseconds, template);
    }
}
