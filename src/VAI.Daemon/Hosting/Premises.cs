using Microsoft.Extensions.Logging;
using VAI.Daemon.Hosting.Sockets;

namespace VAI.Daemon.Hosting;

/// <summary>
/// Looks now and then whether the daemon's directories are still its own, as whoever clears up may take them away under it; until disposal, which looks once
/// more, so that what is left behind is marked.
/// </summary>
internal sealed class Premises : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly OwnedRoms _roms;
    private readonly PublicSocket _socket;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private string? _said;
    private bool _bound;

    public Premises(OwnedRoms roms, PublicSocket socket, ILogger log)
    {
        (_roms, _socket, _log) = (roms, socket, log);
        Lost = WatchAsync();
    }

    /// <summary>Fails where another daemon has what was this one's; otherwise it ends with this.</summary>
    public Task Lost { get; }

    /// <summary>Whether the socket is to be there.</summary>
    public bool IsBound
    {
        get => Volatile.Read(ref _bound);
        set => Volatile.Write(ref _bound, value);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await Lost.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
        try
        {
            Try(Look);
        }
        catch (VaiException)
        {
            // Another's, and left to it.
        }
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(_ending.Token).ConfigureAwait(false))
            Try(Look);
    }

    private void Look()
    {
        if (!_roms.Hold())
            _log.RomDirectoryLost(_roms.Path);
        if (!_socket.Hold() && IsBound)
            Say($"the socket {_socket.Path} was removed, and nobody new reaches the daemon by it. Start the daemon anew");
    }

    // What cannot be made now may be made later; what another daemon has it will not give back.
    private void Try(Action look)
    {
        try
        {
            look();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or VaiUsageException { Code: VaiError.FileNotWritable })
        {
            Say(e.Message);
        }
    }

    private void Say(string what)
    {
        if (_said == what)
            return;
        _said = what;
        _log.PremisesLost(what);
    }
}
