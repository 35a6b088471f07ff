using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;
using VAI.Native.Registry;

namespace VAI.Daemon.Hosting;

/// <summary>
/// A file that one daemon holds: of a ROM directory (<see cref="FileName"/>), or of a socket. It names its holder, and the kernel drops
/// the lock with the process.
/// </summary>
internal sealed class DaemonLock : IDisposable
{
    public const string FileName = "daemon.lock";
    private const uint OwnerOnly = 0b_110_000_000;

    private readonly SafeFileHandle _file;

    private DaemonLock(SafeFileHandle file) => _file = file;

    /// <summary>Takes it.</summary>
    /// <param name="path">The file, made if it is missing.</param>
    /// <param name="what">What it stands for, as the message has it.</param>
    /// <param name="advice">What to do if another one has it.</param>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.InvalidOption"/>: another daemon holds it; <see cref="VaiError.FileNotWritable"/>.
    /// </exception>
    public static DaemonLock Take(string path, string what, string advice)
    {
        int flags = LibcNative.O_RDWR | LibcNative.O_CREAT | LibcNative.O_CLOEXEC | LibcNative.O_NOFOLLOW | LibcNative.O_NONBLOCK;
        int descriptor = LibcNative.open(path, flags, OwnerOnly);
        if (descriptor < 0)
        {
            throw new VaiUsageException(
                VaiError.FileNotWritable, $"{path}: cannot be opened for writing ({Marshal.GetLastPInvokeErrorMessage()}). Check its directory.");
        }

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            if (!FileLock.TryTake(file))
                throw new VaiUsageException(VaiError.InvalidOption, $"{what} belongs to the daemon of process {Owner(file)}. {advice}");
            byte[] pid = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n"));
            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, pid, 0);
            return new DaemonLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Gives it back. The file stays: to remove it would let two hold it.</summary>
    public void Dispose()
    {
        if (_file.IsClosed)
            return;
        FileLock.Release(_file);
        _file.Dispose();
    }

    // Between its taking the lock and its writing who it is there is a moment.
    private static string Owner(SafeFileHandle file)
    {
        Span<byte> buffer = stackalloc byte[16];
        for (int tries = 0; tries < 100; tries++)
        {
            int length = RandomAccess.Read(file, buffer, 0);
            if (Utf8Parser.TryParse(buffer[..length], out int pid, out _) && ProcessIdentity.Of(pid) is not null)
                return pid.ToString(CultureInfo.InvariantCulture);
            Thread.Sleep(10);
        }

        return "(unknown)";
    }
}
