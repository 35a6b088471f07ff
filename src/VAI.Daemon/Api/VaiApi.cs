using System.Diagnostics;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using VAI.Remote;
using VAI.Remote.Wire;

namespace VAI.Daemon.Api;

/// <summary>VAI's own API: an <see cref="IVai"/> as HTTP, which <see cref="RemoteVai"/> speaks.</summary>
internal static class VaiApi
{
    /// <summary>Maps everything under <c>/vai</c>.</summary>
    /// <param name="routes">Where to.</param>
    /// <param name="vai">Who answers: an engine, or another daemon.</param>
    /// <param name="sessions">Where its clients' sessions are kept.</param>
    /// <param name="status">What <c>GET /vai/status</c> says; null for what can be known of <paramref name="vai"/>.</param>
    /// <param name="access">What is known of those who use it; null for nothing.</param>
    /// <param name="ending">Cancelled when what runs is not waited for any longer: streams end with an error event.</param>
    public static void MapVai(
        this IEndpointRouteBuilder routes, IVai vai, SessionTable sessions, Func<CancellationToken, Task<WireStatus>>? status = null, ApiAccess? access = null,
        CancellationToken ending = default)
    {
        access ??= new ApiAccess();
        // Leases are open for ever: a host that stops must not wait for them.
        CancellationToken stopping = routes.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? default;
        long started = Stopwatch.GetTimestamp();
        string instance = Guid.NewGuid().ToString("N");
        var models = new ModelApi(vai, access);
        var api = new SessionApi(vai, sessions, access, stopping, ending);

        Get("/vai/status", async c => await ApiJson.WriteAsync(
            c, status is null ? StatusOf(vai, sessions, started) : await status(c.RequestAborted).ConfigureAwait(false), WireJson.Default.WireStatus).ConfigureAwait(false));
        Get("/vai/devices", models.DevicesAsync);
        Get("/vai/models", models.ListAsync);
        Post("/vai/models/load", models.LoadAsync);
        Post("/vai/models/unload", models.UnloadAsync);
        Post("/vai/models/plan", models.PlanAsync);
        Post("/vai/models/tokenize", models.TokenizeAsync);
        Post("/vai/models/detokenize", models.DetokenizeAsync);
        Post("/vai/models/chat", models.ChatAsync);
        Post("/vai/models/embed", models.EmbedAsync);

        Get("/vai/sessions", api.ListAsync);
        Get("/vai/sessions/{id}", api.GetAsync);
        Delete("/vai/sessions/{id}", api.DeleteAsync);
        Post("/vai/sessions/{id}/open", api.OpenAsync);
        Post("/vai/sessions/{id}/restore", api.RestoreAsync);
        Post("/vai/sessions/{id}/infer", api.InferAsync);
        Post("/vai/sessions/{id}/fork", api.ForkAsync);
        Post("/vai/sessions/{id}/commit", c => api.VerbAsync(c, (s, t) => s.CommitAsync(t)));
        Post("/vai/sessions/{id}/rollback", c => api.VerbAsync(c, (s, t) => s.RollbackAsync(t)));
        Post("/vai/sessions/{id}/park", c => api.VerbAsync(c, (s, t) => s.ParkAsync(t)));
        Post("/vai/sessions/{id}/rebuild", c => api.VerbAsync(c, (s, t) => s.RebuildAsync(t)));
        Post("/vai/sessions/{id}/save", api.SaveAsync);
        Get("/vai/saved", api.SavedAsync);
        Delete("/vai/saved/{id}", api.DeleteSavedAsync);

        Get("/vai/clients/{id}", api.LeaseAsync);
        Delete("/vai/clients/{id}", api.LeaveAsync);

        void Get(string path, Func<HttpContext, Task> handler) => routes.MapGet(path, ApiErrors.Guard(instance, handler));
        void Post(string path, Func<HttpContext, Task> handler) => routes.MapPost(path, ApiErrors.Guard(instance, handler));
        void Delete(string path, Func<HttpContext, Task> handler) => routes.MapDelete(path, ApiErrors.Guard(instance, handler));
    }

    private static WireStatus StatusOf(IVai vai, SessionTable sessions, long started)
    {
        IReadOnlyList<WireSessionInfo> open = sessions.List();
        return new WireStatus(
            typeof(VaiApi).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "",
            Environment.ProcessId,
            null,
            0,
            Stopwatch.GetElapsedTime(started).TotalSeconds,
            open.Count(s => s.Running),
            0,
            [.. vai.Models.Select(m => ModelApi.StatusOf(m, open, sessions.GeneratedBy(m.Name)))]);
    }
}
