using System.Net.Sockets;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Daemon.Hosting;

/// <summary>The daemon's Unix socket: this user's alone, and this daemon's alone. What a dead daemon left is replaced.</summary>
internal sealed class PublicSocket : IDisposable
{
    private readonly LockFile _lock;

    private PublicSocket(string path, LockFile taken)
    {
        Path = path;
        _lock = taken;
        EngineDirectory = path + ".engine";
    }

    public string Path { get; }

    /// <summary>A directory for the engine's sockets, empty at first.</summary>
    public string EngineDirectory { get; }

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: its directory is not private, or a daemon listens there.</exception>
    public static PublicSocket Take(string path)
    {
        // The modes below are of files that others must not see even for a moment.
        LibcNative.umask(0b_000_111_111);
        PrivateDirectory.Ensure(System.IO.Path.GetDirectoryName(path)!);
        const string Advice = "Stop it first, or give this one another socket (--socket).";
        LockFile taken = DaemonLock.Take(path + ".lock", $"The socket {path}", Advice);
        try
        {
            if (Answers(path))
                throw ServeOptions.Invalid("socket", $"is {path}, where another program listens. {Advice}");
            File.Delete(path);
            var socket = new PublicSocket(path, taken);
            if (Directory.Exists(socket.EngineDirectory))
                Directory.Delete(socket.EngineDirectory, recursive: true);
            PrivateDirectory.Ensure(socket.EngineDirectory);
            return socket;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>To be called when it is bound.</summary>
    public void Protect()
    {
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public void Dispose()
    {
        File.Delete(Path);
        if (Directory.Exists(EngineDirectory))
            Directory.Delete(EngineDirectory, recursive: true);
        _lock.Dispose();
    }

    private static bool Answers(string path)
    {
        if (!File.Exists(path))
            return false;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
