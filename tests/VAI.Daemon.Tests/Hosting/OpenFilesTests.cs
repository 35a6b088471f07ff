using VAI.Daemon.Hosting;

namespace VAI.Daemon.Tests.Hosting;

public sealed class OpenFilesTests
{
    [Theory]
    [InlineData(16, 20, 1)]
    [InlineData(64, 24, 20)]
    [InlineData(1024, 24, 872)]
    [InlineData(long.MaxValue, 24, int.MaxValue)]
    public void Connections_leave_some_for_engines(long limit, long open, int connections) => Assert.Equal(connections, OpenFiles.ConnectionsOf(limit, open));

    [Fact]
    public void What_is_open_is_less_than_may_be() => Assert.InRange(OpenFiles.Count, 3, OpenFiles.Limit ?? long.MaxValue);
}
