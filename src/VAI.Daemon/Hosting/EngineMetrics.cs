using VAI.Daemon.Supervision;

namespace VAI.Daemon.Hosting;

/// <summary>The engine process's own metrics, as Prometheus text.</summary>
internal sealed class EngineMetrics : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private readonly HttpClient _http;

    public EngineMetrics(Supervisor supervisor) => _http = new HttpClient(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) => await supervisor.ConnectAsync(cancellationToken).ConfigureAwait(false),
        UseProxy = false,
        UseCookies = false,
    })
    {
        BaseAddress = new Uri("http://vai/"),
        Timeout = Patience,
    };

    /// <summary>Nothing while there is no engine: the daemon's own are of use then, too.</summary>
    public async ValueTask<string> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _http.GetStringAsync("metrics", cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or VaiException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return "";
        }
    }

    public void Dispose() => _http.Dispose();
}
