using System.Net.Sockets;
using VAI.Daemon.Hosting;

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

    private sealed class Place : IDisposable
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-socket-");

        public Place(UnixFileMode mode) => File.SetUnixFileMode(_directory.FullName, mode);

        public string Socket => Path.Combine(_directory.FullName, "vai.sock");

        public void Dispose() => _directory.Delete(recursive: true);
    }
}
