namespace VAI.Native.Tests.Registry;

public sealed class ProcessIdentityTests
{
    private const string Rest = " 1 42 42 0 -1 4194560 100 0 0 0 5 6 0 0 20 0 7 0 987654321 12345 678 184";

    [Theory]
    [InlineData("42 (dotnet) S" + Rest, 'S', 987654321ul)]
    [InlineData("42 (a b) c (d) R" + Rest, 'R', 987654321ul)]
    [InlineData("42 () Z 1 2) Z" + Rest, 'Z', 987654321ul)]
    public void The_command_may_hold_anything(string stat, char state, ulong start)
    {
        Assert.True(ProcessIdentity.Parse(System.Text.Encoding.UTF8.GetBytes(stat), out char s, out ulong t));
        Assert.Equal((state, start), (s, t));
    }

    [Theory]
    [InlineData("")]
    [InlineData("42 (dotnet) S 1 2 3")]
    public void A_line_cut_short_is_no_process(string stat) =>
        Assert.False(ProcessIdentity.Parse(System.Text.Encoding.UTF8.GetBytes(stat), out _, out _));

    [Fact]
    public async Task A_process_lives_until_it_ends_and_its_id_alone_does_not_make_it()
    {
        Assert.True(ProcessIdentity.Current.IsAlive);
        Assert.NotEqual(0ul, ProcessIdentity.Current.Start);
        Assert.True(ProcessIdentity.FromWord(ProcessIdentity.Current.ToWord()).IsAlive);
        Assert.False((ProcessIdentity.Current with { Start = ProcessIdentity.Current.Start + 1 }).IsAlive);
        Assert.False(default(ProcessIdentity).IsAlive);

        using var directory = new RomDirectory();
        using var peer = PeerProcess.Start("registry-hold", directory.FullName);
        await peer.ReadLineAsync();
        ProcessIdentity other = ProcessIdentity.Of(peer.Id)!.Value;
        Assert.True(other.IsAlive);
        await peer.KillAsync();
        Assert.False(other.IsAlive);
    }
}
