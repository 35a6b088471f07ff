using VAI.Daemon.Access;
using VAI.Daemon.Admission;

namespace VAI.Daemon.Tests.Access;

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

    [Fact]
    public void A_key_alone_is_of_role_use_and_is_called_by_its_hash()
    {
        File.WriteAllText(_file, "abc:use:def\n  boss\tadmin  b-key\nold use k1\nold use k2\nabc:use:def\n");
        File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var keys = ApiKeys.Read(_file);
        Assert.True(keys.HasAdmin);
        foreach ((string given, string? id, KeyRole role) in ((string, string?, KeyRole)[])
        [
            ("abc:use:def", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("abc:use:def"u8))[..8], KeyRole.Use),
            ("b-key", "boss", KeyRole.Admin), ("k1", "old", KeyRole.Use), ("k2", "old", KeyRole.Use), ("def", null, default), ("boss", null, default),
        ])
        {
            var context = new Microsoft.AspNetCore.Http.DefaultHttpContext();
            context.Request.Headers.Authorization = "Bearer " + given;
            ApiKey? accepted = keys.Accepted(context.Request);
            Assert.Equal((id, role), (accepted?.Id, accepted?.Role ?? default));
        }
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
