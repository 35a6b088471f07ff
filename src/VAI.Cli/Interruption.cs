using System.Runtime.InteropServices;

namespace VAI.Cli;

/// <summary>
/// An interrupt cancels the verb, which undoes what it did; one that takes longer than a minute over that is ended. It is listened for
/// before the verb begins: System.CommandLine does so when it has begun, and whoever interrupted an eviction at its first line ended it in the middle.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    // Never disposed: a signal may come as the last thing of all.
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public Interruption() => _registrations =
        [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(s => PosixSignalRegistration.Create(s, Interrupt))];

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    private void Interrupt(PosixSignalContext context)
    {
        context.Cancel = true;
        _ = EndAsync();
        _source.Cancel();
    }

    private static async Task EndAsync()
    {
        await Task.Delay(Limit).ConfigureAwait(false);
        Environment.Exit(Failure.Cancelled);
    }
}
