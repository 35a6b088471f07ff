using System.Diagnostics;
using System.Text.Json;

namespace VAI.Daemon.Supervision;

/// <summary>
/// An engine process. Either side notices the other's death by the end of a pipe: the process reads its standard input and ends with
/// it; it holds its standard output, whose end is its own.
/// </summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    /// <summary>What an engine process says, with its id, when it answers at its socket.</summary>
    public const string ReadyLine = "ready ";

    private readonly Process _process;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int _noted;

    private WorkerProcess(Process process, int number, string socket)
    {
        Number = number;
        _process = process;
        Id = process.Id;
        Socket = socket;
        _ = WatchAsync();
    }

    public int Id { get; }

    /// <summary>Which one it is of this daemon's, from 1.</summary>
    public int Number { get; }

    /// <summary>Where it listens.</summary>
    public string Socket { get; }

    /// <summary>Ends when it answers; an <see cref="VaiError.EngineLost"/> if it ended before.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Ends with the process.</summary>
    public Task Ended => _ended.Task;

    public bool HasEnded => _ended.Task.IsCompleted;

    public static WorkerProcess Start(WorkerCommand command, WorkerConfig config, int number, string socket)
    {
        var start = new ProcessStartInfo(command.Program, command.Arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("--socket");
        start.ArgumentList.Add(socket);
        start.ArgumentList.Add("--config-json");
        start.ArgumentList.Add(JsonSerializer.Serialize(config, WorkerJson.Default.WorkerConfig));

        // ggml would start a debugger when it aborts.
        start.Environment["GGML_NO_BACKTRACE"] = "1";

        // It notifies nobody: the supervisor does.
        start.Environment.Remove("NOTIFY_SOCKET");
        try
        {
            return new WorkerProcess(Process.Start(start)!, number, socket);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new VaiEngineException(
                VaiError.EngineLost, $"The engine process could not be started ({command.Program}: {e.Message}). Check the installation.", e);
        }
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }
    }

    /// <summary>Whether this is the first time that its death is noted.</summary>
    public bool TryNoteDeath() => Interlocked.Exchange(ref _noted, 1) == 0;

    /// <summary>How it ended, in words.</summary>
    public async Task<string> ReasonAsync()
    {
        await _process.WaitForExitAsync().ConfigureAwait(false);
        int code = _process.ExitCode;
        return code > 128 ? $"signal {code - 128}" : $"exit code {code}";
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync().ConfigureAwait(false);
        _process.Dispose();
        File.Delete(Socket);
    }

    private async Task WatchAsync()
    {
        try
        {
            while (await _process.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                if (line.StartsWith(ReadyLine, StringComparison.Ordinal))
                    _ready.TrySetResult();
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // As its end.
        }

        _ended.TrySetResult();
        if (_ready.Task.IsCompleted)
            return;
        _ready.TrySetException(new VaiEngineException(
            VaiError.EngineLost, $"The engine process {Id} ended before it was ready. See what it wrote to standard error, or run 'vai doctor'."));
        _ = _ready.Task.Exception;
    }
}
