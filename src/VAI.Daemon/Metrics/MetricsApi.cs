using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace VAI.Daemon.Metrics;

/// <summary><c>GET /metrics</c>.</summary>
internal static class MetricsApi
{
    /// <summary>Maps it. What is measured counts from now until the application has stopped.</summary>
    /// <param name="routes">Where.</param>
    /// <param name="others">Another process' metrics, sent behind; null for none. Where it fails, this process' are sent alone.</param>
    public static void MapMetrics(this IEndpointRouteBuilder routes, Func<CancellationToken, ValueTask<string>>? others = null)
    {
        var exporter = new PrometheusExporter();
        routes.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopped.Register(exporter.Dispose);
        routes.MapGet("/metrics", (RequestDelegate)(async http =>
        {
            string text = exporter.Write();
            if (others is not null)
            {
                try
                {
                    text += await others(http.RequestAborted).ConfigureAwait(false);
                }
                catch (Exception e) when (e is VaiException or IOException or HttpRequestException)
                {
                    // The engine is down, which is when one most wants to see the rest.
                }
            }

            http.Response.ContentType = PrometheusExporter.ContentType;
            await http.Response.WriteAsync(text, http.RequestAborted).ConfigureAwait(false);
        }));
    }
}
