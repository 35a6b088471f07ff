using System.Net.Sockets;
using VAI.Daemon.Hosting.Sockets;

namespace VAI.Daemon.Tests.Hosting;

public sealed class PublicSocketTests
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Group = Private | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
    private const UnixFileMode Socket = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Theory]
    [InlineData(Private, Socket)]
    [InlineData(Group, Socket | UnixFileMode.GroupRead | UnixFileMode.GroupWrite)]
    public void The_directory_says_who_may_use_it(UnixFileMode directory, UnixFileMode socket)
    {
        using var place = new Place(directory);
        using var taken = PublicSocket.Take(place.Socket);
        using var listening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listening.Bind(new UnixDomainSocketEndPoint(taken.Path));
        taken.Protect();
        Assert.Equal(socket, File.GetUnixFileMode(taken.Path));
        Assert.Equal(Private, File.GetUnixFileMode(taken.EngineDirectory));
    }

    [Fact]
    public async Task Who_listens_and_does_not_answer_is_waited_for()
    {
        using var place = new Place(Private);
        using var taken = PublicSocket.Take(place.Socket);
        using var listening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listening.Bind(new UnixDomainSocketEndPoint(taken.Path));
        listening.Listen();
        Task<bool> answers = taken.AnswersAsync();
        using (Socket connection = await listening.AcceptAsync())
        {
            byte[] question = new byte[256];
            Assert.InRange(await connection.ReceiveAsync(question), 1, question.Length);
            Assert.False(answers.IsCompleted);
        }

        Assert.True(await answers);
        File.Delete(taken.Path);
        Assert.True(await taken.AnswersAsync());
    }

    [Fact]
    public void What_was_taken_away_is_made_again_but_for_the_socket()
    {
        using var place = new Place(Private);
        using var taken = PublicSocket.Take(place.Socket);
        using var listening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listening.Bind(new UnixDomainSocketEndPoint(taken.Path));
        Assert.True(taken.Hold());
        Directory.Delete(Path.GetDirectoryName(place.Socket)!, recursive: true);
        Assert.False(taken.Hold());
        Assert.True(File.Exists(Path.Combine(taken.EngineDirectory, MadeDirectory.Marker)));
        Assert.Contains("belongs to the daemon", Assert.Throws<VaiUsageException>(() => PublicSocket.Take(place.Socket)).Message);
    }

    [Fact]
    public void What_another_daemon_has_taken_meanwhile_is_that_ones()
    {
        using var place = new Place(Private);
        var taken = PublicSocket.Take(place.Socket);
        Directory.Delete(Path.GetDirectoryName(place.Socket)!, recursive: true);
        using var other = PublicSocket.Take(place.Socket);
        using var listening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listening.Bind(new UnixDomainSocketEndPoint(other.Path));
        Assert.Contains("belongs to the daemon", Assert.Throws<VaiUsageException>(() => taken.Hold()).Message);
        taken.Dispose();
        Assert.True(other.Hold());
        Assert.True(Directory.Exists(other.EngineDirectory));
    }

    [Theory]
    [InlineData(Group | UnixFileMode.GroupWrite)]
    [InlineData(Private | UnixFileMode.OtherExecute)]
    public void A_directory_that_others_change_or_enter_is_refused(UnixFileMode directory)
    {
        using var place = new Place(directory);
        VaiUsageException error = Assert.Throws<VaiUsageException>(() => PublicSocket.Take(place.Socket));
        Assert.Equal(VaiError.InvalidOption, error.Code);
        Assert.Contains("750 for a group", error.Message);
    }

    /// <summary>Files, directories and links that stand where the daemon would make its own: each is refused, and stays.</summary>
    [Theory]
    [InlineData("vai.sock", false, "no socket")]
    [InlineData("vai.sock", true, "no socket")]
    [InlineData("vai.sock.lock", false, "no lock file")]
    [InlineData("vai.sock.engine", false, "is no directory")]
    [InlineData("vai.sock.engine/1.sock", false, "which VAI did not make")]
    [InlineData("vai.sock.engine/sub/precious.txt", false, "which VAI did not make")]
    public void What_it_did_not_make_is_refused_and_kept(string name, bool link, string said)
    {
        using var place = new Place(Private);
        string path = Path.Combine(Path.GetDirectoryName(place.Socket)!, name);
        if (name.Contains('/'))
            File.SetUnixFileMode(Directory.CreateDirectory(place.Socket + ".engine").FullName, Private);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(link ? path + ".target" : path, "all I have");
        if (link)
            File.CreateSymbolicLink(path, path + ".target");
        VaiUsageException error = Assert.Throws<VaiUsageException>(() => PublicSocket.Take(place.Socket));
        Assert.Equal(VaiError.InvalidOption, error.Code);
        Assert.Contains(said, error.Message);
        Assert.Equal("all I have", File.ReadAllText(path));
    }

    [Fact]
    public void What_a_dead_daemon_left_is_replaced_and_what_is_foreign_beside_it_is_kept()
    {
        using var place = new Place(Private);
        string engine = place.Socket + ".engine";
        Dead(place.Socket);

        // As one left it that marked nothing.
        File.SetUnixFileMode(Directory.CreateDirectory(engine).FullName, Private);
        Dead(Path.Combine(engine, "1.sock"));
        using (PublicSocket.Take(place.Socket))
        {
            Assert.Equal([MadeDirectory.Marker], Directory.EnumerateFileSystemEntries(engine).Select(Path.GetFileName));
            Assert.False(Path.Exists(place.Socket));
            File.WriteAllText(Path.Combine(engine, "1.page"), "");
            File.WriteAllText(Path.Combine(engine, "precious.txt"), "all I have");
        }

        Assert.Contains("precious.txt", Assert.Throws<VaiUsageException>(() => PublicSocket.Take(place.Socket)).Message);
        Assert.Equal(3, Directory.EnumerateFileSystemEntries(engine).Count());
        File.Delete(Path.Combine(engine, "precious.txt"));
        PublicSocket.Take(place.Socket).Dispose();
        Assert.False(Path.Exists(engine));
    }

    // .NET removes what it has bound, where it finds it.
    private static void Dead(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path + ".b"));
        File.Move(path + ".b", path);
    }

    private sealed class Place : IDisposable
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-socket-");

        public Place(UnixFileMode mode) => File.SetUnixFileMode(_directory.FullName, mode);

        public string Socket => Path.Combine(_directory.FullName, "vai.sock");

        public void Dispose() => _directory.Delete(recursive: true);
    }
}
