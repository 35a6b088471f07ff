using VAI.Daemon.Access;

namespace VAI.Daemon.Tests.Access;

public sealed class ServerPathsTests
{
    [Theory]
    [InlineData("/srv/models/secret/a.gguf: magic at byte 0", "a.gguf: magic at byte 0")]
    [InlineData("'a' could not be loaded again (/srv/m/a.gguf is gone). Ask later.", "'a' could not be loaded again (a.gguf is gone). Ask later.")]
    [InlineData("could not be started ('/opt/vai/bin/vai': no such file)", "could not be started ('vai': no such file)")]
    [InlineData("/dev/shm/vai/x.rom and /home/me/y.rom", "x.rom and y.rom")]
    [InlineData("There is no model 'org/model/a'. See https://vai.example/docs/api or models/a.gguf", "There is no model 'org/model/a'. See https://vai.example/docs/api or models/a.gguf")]
    [InlineData("1/2/3 and/or /x", "1/2/3 and/or /x")]
    public void Only_where_files_are_is_taken_away(string message, string shown) => Assert.Equal(shown, ServerPaths.WithoutDirectories(message));
}
