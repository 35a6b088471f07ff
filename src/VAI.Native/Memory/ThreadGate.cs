using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>
/// Where a thread sleeps until another one lets it go on: an eventfd(2). Waking by it takes two switches of threads; .NET's events
/// signal while they hold a lock that the woken thread then waits for, which takes six.
/// </summary>
internal sealed class ThreadGate : IDisposable
{
    private readonly SafeFileHandle _event;

    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/>: the process has no descriptor left.</exception>
    public ThreadGate()
    {
        _event = new SafeFileHandle(LibcNative.eventfd(0, LibcNative.O_CLOEXEC), ownsHandle: true);
        if (_event.IsInvalid)
        {
            throw new VaiEngineException(
                VaiError.OutOfMemory, $"eventfd: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}. Raise the limit of open files (ulimit -n).");
        }
    }

    /// <summary>Lets one <see cref="Wait"/> end, now or later; nothing once it is disposed. From any thread.</summary>
    public void Open()
    {
        ulong one = 1;
        try
        {
            while (LibcNative.write(_event, in one, sizeof(ulong)) < 0 && Marshal.GetLastPInvokeError() == LibcNative.EINTR)
            {
            }
        }
        catch (ObjectDisposedException)
        {
            // The marshaller holds the descriptor for as long as it is written to, so that it is never another file's by then.
        }
    }

    /// <summary>Sleeps until <see cref="Open"/> was called since the last time this ended.</summary>
    public void Wait()
    {
        while (LibcNative.read(_event, out _, sizeof(ulong)) < 0 && Marshal.GetLastPInvokeError() == LibcNative.EINTR)
        {
        }
    }

    /// <summary>For who waits, when it will wait no more.</summary>
    public void Dispose() => _event.Dispose();
}
