using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Memory;

namespace VAI.Daemon.Hosting;

/// <summary>
/// A file that one daemon holds: of a ROM directory (<see cref="FileName"/>), or of a socket. It names its holder, and the kernel drops
/// the lock with the process.
/// </summary>
internal static class DaemonLock
{
    public const string FileName = "daemon.lock";

    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(5);

    /// <summary>Takes it.</summary>
    /// <param name="path">The file, made if it is missing.</param>
    /// <param name="what">What it stands for, as the message has it.</param>
    /// <param name="advice">What to do if another one has it.</param>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.InvalidOption"/>: another daemon holds it; <see cref="VaiError.FileNotWritable"/>.
    /// </exception>
    public static FileLock Take(string path, string what, string advice)
    {
        FileLock file = FileLock.Open(path) ?? throw new VaiUsageException(
            VaiError.FileNotWritable, $"{path}: cannot be opened for writing ({Marshal.GetLastPInvokeErrorMessage()}). Check its directory.");
        try
        {
            if (!IsOne(file.Handle))
            {
                throw new VaiUsageException(
                    VaiError.InvalidOption, $"{path} is no lock file of a daemon's, which {what} needs there. It was left alone: move it away. {advice}");
            }

            if (!file.TryTake())
                throw new VaiUsageException(VaiError.InvalidOption, $"{what} belongs to the daemon of process {Owner(file.Handle)}. {advice}");
            byte[] pid = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n"));
            RandomAccess.SetLength(file.Handle, 0);
            RandomAccess.Write(file.Handle, pid, 0);
            return file;
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is not IOException)
                throw;
            throw new VaiUsageException(VaiError.FileNotWritable, $"{path}: cannot be written ({e.Message}). Make room there, or give another directory.", e);
        }
    }

    // A number and a line's end, or nothing yet.
    private static bool IsOne(SafeFileHandle file)
    {
        Span<byte> buffer = stackalloc byte[16];
        Span<byte> text = buffer[..RandomAccess.Read(file, buffer, 0)];
        return text.IsEmpty || (text.Length <= 12 && text[^1] == '\n' && !text[..^1].ContainsAnyExceptInRange((byte)'0', (byte)'9'));
    }

    // Between its taking the lock and its writing who it is there is a moment, in which the file is empty or has the number of a dead one
    // before. The number is that of its own pid namespace: where that is another, it may be of nobody here.
    private static string Owner(SafeFileHandle file)
    {
        Span<byte> buffer = stackalloc byte[16];
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            int length = RandomAccess.Read(file, buffer, 0);
            bool named = Utf8Parser.TryParse(buffer[..length], out int pid, out _);
            string owner = named ? pid.ToString(CultureInfo.InvariantCulture) : "(unknown)";
            if ((named && Directory.Exists($"/proc/{owner}")) || Stopwatch.GetElapsedTime(start) > Moment)
                return owner;
            Thread.Sleep(Look);
        }
    }
}
