using Microsoft.Extensions.Diagnostics.HealthChecks;
using VAI;
using VAI.Diagnostics;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds checks of VAI's health.</summary>
public static class VaiHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check that every configured model is resident, in this process or, with <see cref="VaiOptions.UseDaemon"/>, in the daemon,
    /// which is asked each time. It loads nothing.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What it reports when one is not; null for <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to choose checks by; null for none.</param>
    /// <returns>The builder.</returns>
    public static IHealthChecksBuilder AddVai(
        this IHealthChecksBuilder builder, string name = "vai", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(name, s => new ResidencyHealthCheck(s, null), failureStatus, tags));
    }

    /// <summary>Adds a check that one model is resident, as the other one does of all.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="model">The model, configured or not.</param>
    /// <param name="name">The check's name; null for <c>vai:</c> and the model's.</param>
    /// <param name="failureStatus">What it reports when it is not; null for <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to choose checks by; null for none.</param>
    /// <returns>The builder.</returns>
    public static IHealthChecksBuilder AddVaiModel(
        this IHealthChecksBuilder builder,
        string model,
        string? name = null,
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(model);
        return builder.Add(new HealthCheckRegistration(name ?? $"vai:{model}", s => new ResidencyHealthCheck(s, model), failureStatus, tags));
    }
}
