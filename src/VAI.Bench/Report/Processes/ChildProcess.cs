using System.Diagnostics;

namespace VAI.Bench.Report;

/// <summary>A process that the report has started: asked by lines, and ended with it.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int KeptLines = 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly Process _process;
    private readonly Queue<string> _errors = new();

    private ChildProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>When it was started, as a <see cref="Stopwatch"/> timestamp: those of all processes of a machine compare.</summary>
    public long Started { get; private init; }

    /// <summary>Starts it. What it writes to standard error is kept for <see cref="Ended"/>.</summary>
    public static ChildProcess Start(IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in command.Skip(1))
            start.ArgumentList.Add(argument);
        long now = Stopwatch.GetTimestamp();
        var child = new ChildProcess(Process.Start(start)!) { Started = now };
        child._process.ErrorDataReceived += (_, e) => child.Keep(e.Data);
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Runs it to its end.</summary>
    /// <returns>How long that took.</returns>
    /// <exception cref="VaiEngineException">It failed.</exception>
    public static async Task<TimeSpan> RunAsync(IReadOnlyList<string> command, CancellationToken cancellation)
    {
        await using ChildProcess child = Start(command);
        child._process.StandardInput.Close();
        await child._process.StandardOutput.ReadToEndAsync(cancellation).ConfigureAwait(false);
        await child._process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        TimeSpan taken = Stopwatch.GetElapsedTime(child.Started);
        return child._process.ExitCode == 0 ? taken : throw child.Ended("ended with an error");
    }

    /// <summary>The next line it says; what it is asked goes before.</summary>
    /// <exception cref="VaiEngineException">It ended instead.</exception>
    public async Task<string> AskAsync(string? line, CancellationToken cancellation)
    {
        try
        {
            if (line is not null)
            {
                await _process.StandardInput.WriteLineAsync(line.AsMemory(), cancellation).ConfigureAwait(false);
                await _process.StandardInput.FlushAsync(cancellation).ConfigureAwait(false);
            }

            return await _process.StandardOutput.ReadLineAsync(cancellation).ConfigureAwait(false) ?? throw Ended("ended instead of answering");
        }
        catch (IOException)
        {
            throw Ended("ended instead of listening");
        }
    }

    /// <summary>An error about it, with what it has said last.</summary>
    public VaiEngineException Ended(string what)
    {
        lock (_errors)
            return new VaiEngineException(VaiError.NativeFailure, $"'{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)}' {what}: {string.Join(' ', _errors)}");
    }

    /// <summary>Asks it to end as a service is asked; it is ended, with those it started, if it does not.</summary>
    public async Task StopAsync()
    {
        if (!_process.HasExited)
            await RunAsync(["/bin/sh", "-c", "kill -TERM \"$0\"", $"{Id}"], CancellationToken.None).ConfigureAwait(false);
        using var limit = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_errors)
        {
            _errors.Enqueue(line);
            if (_errors.Count > KeptLines)
                _errors.Dequeue();
        }
    }
}
