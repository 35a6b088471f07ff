using System.Reflection;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using VAI.Benchmarks.Engine;

namespace VAI.Core.Tests;

/// <summary>The budgets in benchmarks/VAI.Benchmarks/allocation-budgets.json, held by running the benchmarks' own methods.</summary>
public sealed class AllocationTests(ForgedModels models) : EngineTest(models)
{
    private const int Operations = 10_000;

    public static TheoryData<string, long> Budgets()
    {
        var data = new TheoryData<string, long>();
        string file = Path.Combine(AppContext.BaseDirectory, "allocation-budgets.json");
        foreach ((string name, long bytes) in JsonSerializer.Deserialize<Dictionary<string, long>>(File.ReadAllText(file))!)
            data.Add(name, bytes);
        return data;
    }

    [Theory]
    [MemberData(nameof(Budgets))]
    public void A_benchmark_stays_within_its_budget_of_bytes(string name, long budget)
    {
        string[] parts = name.Split('.');
        Type type = typeof(SelectBenchmarks).Assembly.GetTypes().Single(t => t.Name == parts[0]);
        object benchmark = Activator.CreateInstance(type)!;
        Run<GlobalSetupAttribute>(benchmark);
        try
        {
            MethodInfo method = type.GetMethod(parts[1])!;
            long bytes = method.ReturnType.IsValueType
                ? (long)GetType().GetMethod(nameof(Measure), BindingFlags.NonPublic | BindingFlags.Static)!
                    .MakeGenericMethod(method.ReturnType).Invoke(null, [method, benchmark])!
                : Measure<object>(method, benchmark);
            Assert.True(bytes <= budget, $"{name} allocates {bytes} bytes an operation, its budget is {budget}");
        }
        finally
        {
            Run<GlobalCleanupAttribute>(benchmark);
        }

        static void Run<T>(object benchmark)
            where T : Attribute => benchmark.GetType().GetMethods()
                .FirstOrDefault(m => m.GetCustomAttribute<T>() is not null)?.Invoke(benchmark, null);
    }

    public static TheoryData<InferenceOptions> Samplings() => new()
    {
        InferenceOptions.Greedy,
        new InferenceOptions(),
        new InferenceOptions { Temperature = 1.5f, TopK = 0, TopP = 0.9f, RepeatPenalty = 1.1f, PresencePenalty = 0.1f, FrequencyPenalty = 0.1f },
    };

    [Theory]
    [MemberData(nameof(Samplings))]
    public async Task Steady_state_decoding_allocates_nothing_but_the_callers_strings(InferenceOptions sampling)
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;

        // A control token has no text, so that no string is handed out and every byte counted is ours.
        int silent = (await model.TokenizeAsync("", addSpecial: true))[0];
        InferenceOptions options = sampling with { LogitBias = new Dictionary<int, float> { [silent] = 1e6f } };
        await RunAsync(600);
        double perToken = double.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            long few = await RunAsync(100);
            long many = await RunAsync(1100);
            perToken = Math.Min(perToken, (many - few) / 1000.0);
        }

        Assert.True(perToken < 1, $"{perToken} bytes a token");

        async Task<long> RunAsync(int tokens)
        {
            await using IInferenceSession session = model.OpenSession();
            long before = 0;
            await foreach (InferenceUpdate update in session.InferAsync(Prompt, options with { MaxTokens = tokens }))
            {
                // The log grows once at the start; steady state begins with the first update.
                if (before == 0)
                    before = GC.GetTotalAllocatedBytes(precise: true);
                Assert.Equal("", update.Text);
            }

            return GC.GetTotalAllocatedBytes(precise: true) - before;
        }
    }

    private static long Measure<T>(MethodInfo method, object target)
    {
        Func<T> operation = method.CreateDelegate<Func<T>>(target);
        for (int i = 0; i < Operations; i++)
            operation();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Operations; i++)
            operation();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / Operations;
    }
}
