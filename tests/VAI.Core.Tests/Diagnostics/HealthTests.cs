using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace VAI.Core.Tests.Diagnostics;

public sealed class HealthTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task Models_are_healthy_while_they_are_resident()
    {
        await using ServiceProvider services = Services(o => o.AddModel("a", Models["tiny"]).AddModel("b", Models["tiny-qwen3"]));
        IVai vai = services.GetRequiredService<IVai>();
        HealthCheckService health = services.GetRequiredService<HealthCheckService>();
        ModelHandle a = await vai.LoadAsync("a");
        HealthReport half = await health.CheckHealthAsync();
        Assert.Equal((HealthStatus.Degraded, HealthStatus.Healthy), (half.Entries["vai"].Status, half.Entries["vai:a"].Status));
        Assert.StartsWith("Not resident: 'b'.", half.Entries["vai"].Description, StringComparison.Ordinal);
        Assert.Equal(("resident", "not resident"), (half.Entries["vai"].Data["a"], half.Entries["vai"].Data["b"]));

        await vai.LoadAsync("b");
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync()).Status);
        await vai.UnloadAsync(a);
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync()).Entries["vai:a"].Status);
    }

    [Fact]
    public async Task A_daemon_that_does_not_answer_is_unhealthy_and_said_why()
    {
        await using ServiceProvider services = Services(o => o.UseDaemon("/nonexistent/vai.sock"));
        HealthReport report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Degraded, report.Entries["vai"].Status);
        Assert.Equal(VaiError.DaemonUnavailable, Assert.IsType<VaiEngineException>(report.Entries["vai:a"].Exception).Code);
    }

    private static ServiceProvider Services(Action<VaiOptions> configure)
    {
        IServiceCollection services = new ServiceCollection().AddLogging().AddVai(configure);
        services.AddHealthChecks().AddVai(failureStatus: HealthStatus.Degraded).AddVaiModel("a");
        return services.BuildServiceProvider();
    }
}
