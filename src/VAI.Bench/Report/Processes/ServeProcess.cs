using System.Diagnostics;
using System.Net.Sockets;

namespace VAI.Bench.Report;

/// <summary>A daemon of this program's, on a Unix socket of its own.</summary>
internal sealed class ServeProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(2);

    private readonly ChildProcess _process;
    private readonly string _place;
    private readonly HttpClient _http;

    private ServeProcess(ChildProcess process, string place)
    {
        (_process, _place) = (process, place);
        _http = Client(Socket);
    }

    public string Socket => Path.Combine(_place, "vai.sock");

    /// <summary>When it was started, as a <see cref="Stopwatch"/> timestamp.</summary>
    public long Started => _process.Started;

    /// <summary>From its start until <c>/health</c> said that it is ready, in milliseconds.</summary>
    public double HealthMs { get; private set; }

    /// <summary>Starts one with both models of a report and ROMs in <see cref="ReportOptions.OwnRoms"/>, and waits until it is ready.</summary>
    /// <exception cref="VaiEngineException">It ended, or did not get ready.</exception>
    public static async Task<ServeProcess> StartAsync(ReportOptions options, CancellationToken cancellation)
    {
        string place = Directory.CreateTempSubdirectory("vai-report-").FullName;
        string socket = Path.Combine(place, "vai.sock");
        var serve = new ServeProcess(
            ChildProcess.Start(
            [
                .. options.Program, "serve", "--socket", socket,
                .. new[] { options.First, options.Second }.SelectMany(m => (string[])["--model", $"{m.Name}={Path.GetFullPath(m.File)}"]),
                .. options.ThreadsLine, .. ReportOptions.RomLine(Roms(options)),
            ]),
            place);
        try
        {
            await serve.WaitAsync(cancellation).ConfigureAwait(false);
            return serve;
        }
        catch
        {
            await serve.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Where its ROMs are, also for the next one.</summary>
    public static string Roms(ReportOptions options) => options.OwnRoms("serve");

    /// <summary>A client of a daemon at a Unix socket.</summary>
    public static HttpClient Client(string socket) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation).ConfigureAwait(false);
                return new NetworkStream(connection, ownsSocket: true);
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        },
    });

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        try
        {
            await _process.StopAsync().ConfigureAwait(false);
        }
        finally
        {
            await _process.DisposeAsync().ConfigureAwait(false);
            Directory.Delete(_place, recursive: true);
        }
    }

    // Asked as whoever starts a service asks: again and again.
    private async Task WaitAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                using HttpResponseMessage response = await _http.GetAsync(new Uri("http://localhost/health"), cancellation).ConfigureAwait(false);
                if (response.IsSuccessStatusCode)
                {
                    HealthMs = Stopwatch.GetElapsedTime(Started).TotalMilliseconds;
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Nobody listens yet.
            }

            if (_process.HasExited || Stopwatch.GetElapsedTime(Started) > Patience)
                throw _process.Ended("did not get ready");
            await Task.Delay(Interval, cancellation).ConfigureAwait(false);
        }
    }
}
