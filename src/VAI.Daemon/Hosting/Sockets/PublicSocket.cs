using System.Net.Sockets;
using System.Runtime.InteropServices;
using VAI.Daemon.Hosting.Configuration;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Daemon.Hosting.Sockets;

/// <summary>
/// The daemon's Unix socket: this user's alone, or its directory's group's too where that has mode 750, and this daemon's alone. What a dead
/// daemon left is replaced.
/// </summary>
internal sealed class PublicSocket : IDisposable
{
    private readonly FileLock _lock;
    private readonly uint? _group;

    private PublicSocket(string path, FileLock taken, uint? group)
    {
        Path = path;
        _group = group;
        _lock = taken;
        EngineDirectory = path + ".engine";
    }

    public string Path { get; }

    /// <summary>A directory for the engine's sockets, empty at first.</summary>
    public string EngineDirectory { get; }

    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.InvalidOption"/>: its directory is not private, a daemon listens there, or something stands there that VAI did not make.
    /// </exception>
    public static PublicSocket Take(string path)
    {
        // The modes below are of files that others must not see even for a moment.
        LibcNative.umask(0b_000_111_111);
        uint? group = PrivateDirectory.EnsureForGroup(System.IO.Path.GetDirectoryName(path)!);
        const string Advice = "Stop it first, or give this one another socket (--socket).";
        FileLock taken = DaemonLock.Take(path + ".lock", $"The socket {path}", Advice);
        try
        {
            EntryKind there = Entry.KindOf(path);
            if (there is not (EntryKind.None or EntryKind.Socket))
                throw ServeOptions.Invalid("socket", $"is {path}, where there is something that is no socket. It was left alone: move it away, or give another path.");
            if (there == EntryKind.Socket && Answers(path))
                throw ServeOptions.Invalid("socket", $"is {path}, where another program listens. {Advice}");
            var socket = new PublicSocket(path, taken, group);
            MadeDirectory.Renew(socket.EngineDirectory, "socket", IsOurs);
            if (there == EntryKind.Socket)
                File.Delete(path);
            return socket;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>To be called when it is bound: until then nobody else reaches it.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: this user may not give it to the directory's group.</exception>
    public void Protect()
    {
        if (!OperatingSystem.IsLinux())
            return;
        const UnixFileMode User = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        if (_group is { } group && LibcNative.lchown(Path, uint.MaxValue, group) != 0)
        {
            throw ServeOptions.Invalid(
                "socket", $"is {Path}, which cannot be given to its directory's group {group} ({Marshal.GetLastPInvokeErrorMessage()}). "
                + "Join that group, or give the directory mode 700.");
        }

        File.SetUnixFileMode(Path, _group is null ? User : User | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
    }

    public void Dispose()
    {
        if (Entry.KindOf(Path) == EntryKind.Socket)
            File.Delete(Path);
        MadeDirectory.Remove(EngineDirectory, IsOurs);
        _lock.Dispose();
    }

    // Engine processes are numbered, and so are their files.
    private static bool IsOurs(string name, EntryKind kind) =>
        kind is EntryKind.Socket or EntryKind.File && char.IsAsciiDigit(name[0]) && !name.Contains('/');

    private static bool Answers(string path)
    {
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
