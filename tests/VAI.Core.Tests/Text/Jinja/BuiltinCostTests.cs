using System.Diagnostics;
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
