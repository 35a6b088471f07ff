using VAI.Daemon.Admission;

namespace VAI.Daemon.Tests.Admission;

public sealed class ApiKeysTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    [Theory]
    [InlineData("", "has no keys")]
    [InlineData("# only a comment\n\n", "has no keys")]
    [InlineData("good\ntwo words\n", "Key 2")]
    [InlineData("sch\u00f6n\n", "Key 1")]
    public void A_file_without_proper_keys_is_refused(string text, string says)
    {
        File.WriteAllText(_file, text);
        VaiUsageException e = Assert.Throws<VaiUsageException>(() => ApiKeys.Read(_file));
        Assert.Equal(VaiError.InvalidOption, e.Code);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void A_file_that_everybody_can_open_is_refused(UnixFileMode mode)
    {
        File.WriteAllText(_file, "key\n");
        File.SetUnixFileMode(_file, UnixFileMode.UserRead | mode);
        VaiUsageException e = Assert.Throws<VaiUsageException>(() => ApiKeys.Read(_file));
        Assert.Contains("chmod 600", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_an_error_of_its_own() =>
        Assert.Equal(VaiError.FileNotFound, Assert.Throws<VaiUsageException>(() => ApiKeys.Read(_file + ".missing")).Code);

    [Theory]
    [InlineData(0, 256, 4, 4)]
    [InlineData(64, -1, 4, 4)]
    [InlineData(64, 256, 65, 4)]
    [InlineData(64, 256, 4, 257)]
    public void Options_out_of_their_range_are_refused(int active, int waiting, int clientActive, int clientWaiting)
    {
        var options = new AdmissionOptions
        {
            MaxActive = active,
            MaxWaiting = waiting,
            MaxActivePerClient = clientActive,
            MaxWaitingPerClient = clientWaiting,
        };
        Assert.Equal(VaiError.InvalidOption, Assert.Throws<VaiUsageException>(() => new AdmissionGate(options)).Code);
    }

    public void Dispose() => File.Delete(_file);
}
