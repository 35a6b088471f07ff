using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using VAI.Daemon.Access;

namespace VAI.Daemon.Admission;

/// <summary>Puts admission in front of an application.</summary>
internal static class AdmissionExtensions
{
    /// <summary>Adds the <see cref="AdmissionGate"/>. Its options are checked when it is first needed.</summary>
    public static IServiceCollection AddAdmission(this IServiceCollection services, Action<AdmissionOptions>? configure = null)
    {
        var options = new AdmissionOptions();
        configure?.Invoke(options);
        return services.AddSingleton(options).AddSingleton(_ => new AdmissionGate(options))
            .AddSingleton(s => new ConnectionGuard(options, s.GetRequiredService<AccessOptions>()));
    }

    /// <summary>Everything behind this goes through the gate. It is made here, so that what is wrong with its options shows at the start.</summary>
    /// <exception cref="VaiUsageException">As <see cref="AdmissionGate(AdmissionOptions)"/>.</exception>
    public static IApplicationBuilder UseAdmission(this IApplicationBuilder app)
    {
        AdmissionGate gate = app.ApplicationServices.GetRequiredService<AdmissionGate>();
        return app.Use(next => context => gate.InvokeAsync(context, next));
    }

    /// <summary>Bounds the connections of an endpoint of TCP of which nothing is known yet.</summary>
    public static void UseConnectionGuard(this ListenOptions listen) => listen.ApplicationServices.GetRequiredService<ConnectionGuard>().Guard(listen);

    /// <summary>Bounds what a connection may take before a request is one: their number, headers and time.</summary>
    public static void ConfigureKestrelLimits(this KestrelServerOptions kestrel, AdmissionOptions options)
    {
        kestrel.AddServerHeader = false;
        KestrelServerLimits limits = kestrel.Limits;
        limits.MaxConcurrentConnections = options.MaxConnections;
        limits.MaxConcurrentUpgradedConnections = 0;
        limits.MaxRequestBodySize = options.BodyLimits.Values.Append(options.MaxBodyBytes).Max();
        limits.MaxRequestHeaderCount = 64;
        limits.MaxRequestHeadersTotalSize = 32 << 10;
        limits.MaxRequestLineSize = 8 << 10;
        limits.RequestHeadersTimeout = options.HeaderTimeout;
        limits.KeepAliveTimeout = options.IdleTimeout;
        limits.MinRequestBodyDataRate = new MinDataRate(240, TimeSpan.FromSeconds(5));
        limits.MinResponseDataRate = new MinDataRate(240, options.SlowReaderTimeout);
    }
}
