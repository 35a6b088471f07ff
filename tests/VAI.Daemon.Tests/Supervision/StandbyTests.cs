using Microsoft.Extensions.Logging.Abstractions;
using VAI.Daemon.Supervision;

namespace VAI.Daemon.Tests.Supervision;

/// <summary>When the process that stands by is started: a start takes the cores of those who are served.</summary>
public sealed class StandbyTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);
    private static readonly SupervisionOptions Options = new() { Quiet = TimeSpan.FromMilliseconds(20) };

    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _serves = true;
    private int _asks;

    [Fact]
    public async Task Not_while_somebody_is_served()
    {
        await using Standby standby = Make();
        _ = standby.Prepare([new WantedModel(new ModelOptions { Name = "a", File = "a.gguf" }, 1, null)], Long, CancellationToken.None);
        await _asked.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.False(_started.Task.IsCompleted);
        _serves = false;
        await _started.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Not_for_ever()
    {
        await using Standby standby = Make();
        _ = standby.Prepare([new WantedModel(new ModelOptions { Name = "a", File = "a.gguf" }, 1, null)], TimeSpan.FromMilliseconds(100), CancellationToken.None);
        await _started.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Who_needs_one_does_not_wait_for_it()
    {
        await using Standby standby = Make();
        _ = standby.Prepare([new WantedModel(new ModelOptions { Name = "a", File = "a.gguf" }, 1, null)], Long, CancellationToken.None);
        Assert.Null(await standby.TakeAsync().WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.False(_started.Task.IsCompleted);
    }

    // No process is needed to see when one would be started.
    private Standby Make() => new(
        () =>
        {
            _started.TrySetResult();
            throw new InvalidOperationException("There is none.");
        },
        () =>
        {
            // For many times the quiet that would be enough.
            if (Interlocked.Increment(ref _asks) == 100)
                _asked.TrySetResult();
            return _serves;
        },
        Options,
        NullLogger.Instance);
}
