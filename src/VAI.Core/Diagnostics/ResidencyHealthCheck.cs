using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using VAI.Remote;

namespace VAI.Diagnostics;

/// <summary>Whether models are resident. An engine that cannot be made, or a daemon that does not answer, is the exception they throw.</summary>
/// <param name="services">Where the engine is; it is asked for by the check, whose errors are reported, rather than by its making.</param>
/// <param name="model">The model; null for all that are configured.</param>
internal sealed class ResidencyHealthCheck(IServiceProvider services, string? model) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        IVai vai = services.GetRequiredService<IVai>();

        // What a client knows of a daemon's models is of some moment ago.
        if (vai is RemoteVai remote)
            await remote.RefreshAsync(cancellationToken).ConfigureAwait(false);
        string[] asked = model is not null
            ? [model]
            : [.. services.GetRequiredService<IOptions<VaiOptions>>().Value.Models.Select(m => m.Name)];
        string[] missing = [.. asked.Except(vai.Models.Select(m => m.Name), StringComparer.Ordinal)];
        var data = asked.Distinct().ToDictionary(m => m, m => (object)(missing.Contains(m) ? "not resident" : "resident"));
        return missing.Length == 0
            ? HealthCheckResult.Healthy(asked.Length == 0 ? "No model is configured." : $"Resident: {Names(asked)}.", data)
            : new HealthCheckResult(
                context.Registration.FailureStatus, $"Not resident: {Names(missing)}. Call LoadAsync for each, or see why its load failed.", null, data);
    }

    private static string Names(string[] models) => string.Join(", ", models.Select(m => $"'{m}'"));
}
