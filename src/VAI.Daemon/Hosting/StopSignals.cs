using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;

namespace VAI.Daemon.Hosting;

/// <summary>A host that listens to no signal: who made it decides when it ends.</summary>
internal sealed class NoLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>
/// The signals that ask a process to end, the one to read its configuration again, and one that does not end it, for as long as this is not disposed.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    // SIGXFSZ: where 'ulimit -f' allows no file of that size, whoever writes one is told so, be it a burn or the log. By itself it would end the process.
    private const PosixSignal FileTooLarge = (PosixSignal)25;

    private readonly PosixSignalRegistration[] _registrations;

    /// <param name="stop">Called for each signal to end.</param>
    /// <param name="reload">Called for SIGHUP; null to end then, too.</param>
    public StopSignals(Action stop, Action? reload = null)
    {
        _registrations =
        [
            .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT }.Select(s => On(s, stop)),
            On(PosixSignal.SIGHUP, reload ?? stop),
            On(FileTooLarge, static () => { }),
        ];
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    private static PosixSignalRegistration On(PosixSignal signal, Action act) => PosixSignalRegistration.Create(signal, c =>
    {
        c.Cancel = true;
        act();
    });
}
