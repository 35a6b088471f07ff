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
    private const string Advice = "Stop it first, or give this one another socket (--socket).";

    private static readonly byte[] Question = [.. "GET /health HTTP/1.1\r\nHost: vai\r\nConnection: close\r\n\r\n"u8];

    private readonly uint? _group;
    private FileLock _lock;

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
        FileLock taken = TakeLock(path);
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

    /// <summary>
    /// Sees to it that what it took is still its own: somebody may have taken its directory away, as a user's runtime directory goes with the last session.
    /// Engine processes can be started again then, but nobody reaches the socket itself any more.
    /// </summary>
    /// <returns>Whether the socket is where it was.</returns>
    /// <exception cref="VaiUsageException">What was taken away cannot be had again: another daemon has it, or it cannot be made.</exception>
    public bool Hold()
    {
        if (!IsOwn)
        {
            PrivateDirectory.EnsureForGroup(System.IO.Path.GetDirectoryName(Path)!);
            FileLock lost = _lock;
            _lock = TakeLock(Path);
            lost.Dispose();
        }

        if (Entry.KindOf(EngineDirectory) != EntryKind.Directory)
            MadeDirectory.Claim(EngineDirectory, "socket", IsOurs);
        return Entry.KindOf(Path) == EntryKind.Socket;
    }

    /// <summary>
    /// Asks the daemon something, as a client does. What answers is the thread that all connections have, and the pool: whatever it is, even a refusal, they come on.
    /// </summary>
    /// <returns>False where this process cannot even ask; does not end where nobody answers. True where the socket was taken away, which says nothing.</returns>
    public async Task<bool> AnswersAsync()
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path)).ConfigureAwait(false);
            await socket.SendAsync(Question).ConfigureAwait(false);
            _ = await socket.ReceiveAsync(new byte[1]).ConfigureAwait(false);
            return true;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is not (SocketError.TooManyOpenSockets or SocketError.WouldBlock or SocketError.TryAgain or SocketError.NoBufferSpaceAvailable);
        }
    }

    public void Dispose()
    {
        // What another daemon has made at the path is that one's.
        if (IsOwn)
        {
            if (Entry.KindOf(Path) == EntryKind.Socket)
                File.Delete(Path);
            MadeDirectory.Remove(EngineDirectory, IsOurs);
        }

        _lock.Dispose();
    }

    private static string LockOf(string path) => path + ".lock";

    private static FileLock TakeLock(string path) => DaemonLock.Take(LockOf(path), $"The socket {path}", Advice);

    private bool IsOwn => FilePlace.IsAt(_lock.Handle, LockOf(Path));

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
