using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using VAI.Daemon.Supervision.Link;
using VAI.Diagnostics;

namespace VAI.Daemon.Supervision.Engines;

/// <summary>
/// An engine process: the process, its link and its page of progress. It connects to a socket that is made for it alone. Either side notices
/// the other's death by the link's end; and the process reads its standard input, and ends with it.
/// </summary>
internal sealed class EngineProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Socket _listener;
    private readonly string _path;
    private readonly Action<EngineProcess, IReadOnlyList<Exchange>> _died;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _over = new();
    private string? _condemned;
    private int _state;

    private EngineProcess(Process process, Socket listener, ProgressPage page, string path, int number, Action<EngineProcess, IReadOnlyList<Exchange>> died)
    {
        (_process, _listener, Page, _path, Number, _died) = (process, listener, page, path, number, died);
        Id = process.Id;
        Started = Stopwatch.GetTimestamp();
        Ready = GreetAsync();
        _ = Ready.ContinueWith(static t => t.Exception, TaskScheduler.Default);
        _ = WatchAsync();
    }

    public int Id { get; }

    /// <summary>Which one it is of this daemon's, from 1.</summary>
    public int Number { get; }

    /// <summary>When it was started.</summary>
    public long Started { get; }

    public ProgressPage Page { get; }

    /// <summary>Its link, once it has greeted; an <see cref="VaiError.EngineLost"/> if it ended before.</summary>
    public Task<EngineLink> Ready { get; }

    /// <summary>The link; null before it has greeted.</summary>
    public EngineLink? Link => Ready.IsCompletedSuccessfully ? Ready.Result : null;

    /// <summary>Ends with the process, or its link.</summary>
    public Task Ended => _ended.Task;

    public bool HasEnded => _ended.Task.IsCompleted || Volatile.Read(ref _condemned) is not null;

    public EngineState State
    {
        get => (EngineState)Volatile.Read(ref _state);
        set => Volatile.Write(ref _state, (int)value);
    }

    /// <summary>The models that it has loaded. Used by the supervisor, under its lock.</summary>
    public HashSet<string> Loaded { get; } = new(StringComparer.Ordinal);

    /// <summary>Requests that it has lost.</summary>
    public int Lost { get; set; }

    /// <summary>Whether its death is somebody's fault: it serves, or is about to.</summary>
    public bool IsBlamed { get; set; }

    /// <summary>Requests that it has answered. One that has was of use.</summary>
    public long Answered => Link?.AnsweredRequests ?? 0;

    /// <param name="command">Starts it.</param>
    /// <param name="config">What it is told.</param>
    /// <param name="number">Which one it is.</param>
    /// <param name="directory">A private directory for its socket and its page.</param>
    /// <param name="died">Told when it ends, with what was being asked of it, before those who asked are.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.EngineLost"/>: it could not be started.</exception>
    public static EngineProcess Start(
        WorkerCommand command, WorkerConfig config, int number, string directory, Action<EngineProcess, IReadOnlyList<Exchange>> died)
    {
        string path = Path.Combine(directory, $"{number}.sock");
        string progress = path + ".page";
        Socket? listener = null;
        ProgressPage? page = null;
        try
        {
            listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(1);
            page = ProgressPage.Create(progress);
            var start = new ProcessStartInfo(command.Program, command.Arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
            start.ArgumentList.Add("--socket");
            start.ArgumentList.Add(path);
            start.ArgumentList.Add("--config-json");
            start.ArgumentList.Add(JsonSerializer.Serialize(config with { ProgressPage = progress }, WorkerJson.Default.WorkerConfig));

            // ggml would start a debugger when it aborts.
            start.Environment["GGML_NO_BACKTRACE"] = "1";

            // It notifies nobody: the supervisor does.
            start.Environment.Remove("NOTIFY_SOCKET");
            start.Environment.Remove("WATCHDOG_USEC");
            return new EngineProcess(Process.Start(start)!, listener, page, path, number, died);
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or SocketException or IOException or VaiException)
        {
            listener?.Dispose();
            page?.Dispose();
            Remove(path);
            throw new VaiEngineException(
                VaiError.EngineLost, $"The engine process could not be started ({command.Program}: {e.Message}). Check the installation.", e);
        }
    }

    /// <summary>Ends it at once, whatever it does: who asked it something goes to the next one, without waiting for its memory to be freed.</summary>
    public void Condemn(string reason)
    {
        Interlocked.CompareExchange(ref _condemned, reason, null);
        End(reason);
    }

    /// <summary>How it ended, in words.</summary>
    public async Task<string> ReasonAsync()
    {
        await _process.WaitForExitAsync().ConfigureAwait(false);
        int code = _process.ExitCode;
        return Volatile.Read(ref _condemned) ?? (code > 128 ? $"signal {code - 128}" : $"exit code {code}");
    }

    /// <summary>The ticks of CPU that it has used, and the pages that it has in memory; zeros where that cannot be read.</summary>
    public (long Ticks, long Pages) Effort()
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{Id}/stat");

            // Behind the name, which may hold anything: state is the third field, utime and stime the 14th and 15th, rss the 24th.
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], System.Globalization.CultureInfo.InvariantCulture) + long.Parse(fields[12], System.Globalization.CultureInfo.InvariantCulture),
                long.Parse(fields[21], System.Globalization.CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            return default;
        }
    }

    public async ValueTask DisposeAsync()
    {
        IsBlamed = false;
        End("it is not needed any more");
        await _process.WaitForExitAsync().ConfigureAwait(false);
        await _ended.Task.ConfigureAwait(false);
        _process.Dispose();
        _listener.Dispose();
        Page.Dispose();
        Remove(_path);
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
            File.Delete(path + ".page");
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody has taken all of it away.
        }
    }

    private void End(string reason)
    {
        State = EngineState.Ending;
        Link?.End(reason);
        Kill();
    }

    private void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It has ended.
        }
    }

    private async Task<EngineLink> GreetAsync()
    {
        try
        {
            Socket socket = await _listener.AcceptAsync(_over.Token).ConfigureAwait(false);
            return await EngineLink.GreetAsync(socket, OnEnd, _over.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            throw new VaiEngineException(
                VaiError.EngineLost, $"The engine process {Id} ended before it was ready. See what it wrote to standard error, or run 'vai doctor'.", e);
        }
    }

    private void OnEnd(IReadOnlyList<Exchange> lost, LinkEndedException reason)
    {
        State = EngineState.Ending;
        _died(this, lost);

        // Without its link it is of no use, and would end by itself if it can.
        Kill();
        _ended.TrySetResult();
    }

    // It holds its standard output, whose end is its own.
    private async Task WatchAsync()
    {
        try
        {
            while (await _process.StandardOutput.ReadLineAsync().ConfigureAwait(false) is not null)
            {
                // It says nothing.
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // As its end.
        }

        await _over.CancelAsync().ConfigureAwait(false);
        await Ready.ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
        if (Link is { } link)
        {
            link.End("its process ended");
            return;
        }

        State = EngineState.Ending;
        _died(this, []);
        _ended.TrySetResult();
    }
}
