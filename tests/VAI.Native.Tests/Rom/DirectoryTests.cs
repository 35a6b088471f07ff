using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Tests.Rom;

/// <summary>Which directory is used, and which is refused.</summary>
public sealed class DirectoryTests(RomModels models) : RomTest(models)
{
    private const int Nobody = 65534;

    [Theory]
    [InlineData(null, null)]
    [InlineData("", "")]
    [InlineData(null, "/variable")]
    [InlineData("", "/variable")]
    [InlineData("/option", "/variable")]
    [InlineData("/option/../other", null)]
    public async Task The_option_comes_before_the_variable_and_that_before_the_default(string? option, string? variable)
    {
        string expected = option switch
        {
            "/option" => "(/option, True)",
            "/option/../other" => "(/other, True)",
            _ => variable is "/variable" ? "(/variable, True)" : $"(/dev/shm/vai-{LibcNative.geteuid()}, False)",
        };
        using var peer = PeerProcess.Start(
            [(RomDirectory.Variable, variable ?? "")], option is null ? ["rom-locate"] : ["rom-locate", option]);
        Assert.Equal(expected, await peer.ReadLineAsync());
        Assert.Equal(ExitCodes.Done, await peer.EndAsync());
    }

    [Fact]
    public void A_missing_directory_is_made_private()
    {
        string path = Path.Combine(Space, "new");
        Assert.Null(RomDirectory.Open(path, create: false));
        RomDirectory made = RomDirectory.Open(path + "/", create: true)!;
        Assert.Equal((path, false, true), (made.Path, made.HasGroup, made.IsOwned));
        Assert.Equal("700", ModeOf(path));
    }

    [Fact]
    public void One_that_was_removed_while_it_was_used_is_said_to_be_gone()
    {
        string path = Path.Combine(Space, "gone");
        RomDirectory made = RomDirectory.Open(path, create: true)!;
        Assert.True(made.Space.Total > 0);
        Directory.Delete(path);
        Throws<VaiUsageException>(VaiError.RomDirectoryUnsafe, "is gone", () => _ = made.Space);
        Throws<VaiUsageException>(VaiError.RomDirectoryUnsafe, "is gone", () => _ = made.IsInMemory);
    }

    [Fact]
    public void A_missing_parent_is_said_clearly()
    {
        string path = Path.Combine(Space, "no", "such");
        VaiUsageException error = Throws<VaiUsageException>(VaiError.FileNotWritable, "Make its parent", () => RomDirectory.Open(path, create: true));
        Assert.Contains(path, error.Message);
        Assert.Contains(RomDirectory.Variable, error.Message);
        Assert.Null(RomDirectory.Open(path, create: false));
    }

    [Theory]
    [InlineData("755")]
    [InlineData("777")]
    [InlineData("1777")]
    [InlineData("770")]
    [InlineData("710")]
    [InlineData("701")]
    [InlineData("500")]
    [InlineData("4700")]
    public void A_directory_of_another_mode_is_refused(string mode)
    {
        SetMode(Space, mode);
        try
        {
            VaiUsageException error = Throws<VaiUsageException>(
                VaiError.RomDirectoryUnsafe, $"has mode {mode}; it must be 700, or 750 for a group", () => RomStore.Open(Space));
            Assert.Contains(Space, error.Message);
        }
        finally
        {
            SetMode(Space, "700");
        }

        Assert.Empty(Directory.GetFileSystemEntries(Space));
    }

    [Fact]
    public void A_link_or_a_file_is_no_directory()
    {
        string link = Path.Combine(Space, "link"), file = Path.Combine(Space, "file"), real = Path.Combine(Space, "real");
        Directory.CreateDirectory(real);
        SetMode(real, "700");
        Directory.CreateSymbolicLink(link, real);
        File.WriteAllText(file, "");
        foreach (string path in new[] { link, link + "/", file })
            Throws<VaiUsageException>(VaiError.RomDirectoryUnsafe, "symbolic link or no directory", () => RomStore.Open(path));
        Assert.Empty(Directory.GetFileSystemEntries(real));
    }

    [Theory]
    [InlineData("700", "400", "600")]
    [InlineData("750", "440", "640")]
    [InlineData("2750", "440", "640")]
    public void Files_are_as_closed_as_their_directory(string directory, string image, string registry)
    {
        SetMode(Space, directory);
        Assert.Equal(image, ModeOf(BurnImage(Models.Tiny)));
        Assert.Equal(registry, ModeOf(Path.Combine(Space, "registry")));
        Assert.Equal("600", ModeOf(Path.Combine(Space, "leases")));
        RomDirectory opened = RomDirectory.Open(Space, create: false)!;
        Assert.Equal((image == "440", true), (opened.HasGroup, opened.IsOwned));
    }

    /// <summary>Only root can give a directory away; that others cannot is what is asserted for them.</summary>
    [Fact]
    public void A_directory_of_somebody_else_is_for_attaching_at_most()
    {
        Assert.Equal(IsRoot ? 0 : -1, Libc.chown(Space, Nobody, -1));
        if (!IsRoot)
        {
            Assert.Equal(LibcNative.EPERM, Marshal.GetLastPInvokeError());
            return;
        }

        Throws<VaiUsageException>(VaiError.RomDirectoryUnsafe, $"belongs to user {Nobody}, not to 0", () => RomStore.Open(Space));
        SetMode(Space, "750");
        Throws<VaiUsageException>(VaiError.RomNotBurned, "Ask its owner", () => RomStore.Open(Space));
        RomDirectory directory = RomDirectory.Open(Space, create: true)!;
        Assert.False(directory.IsOwned);
        Throws<VaiUsageException>(
            VaiError.RomDirectoryUnsafe,
            "belongs to another user, who alone burns",
            () => new RomBurner(directory, null, CancellationToken.None).Burn(new RomBurnRequest(Models.Tiny, "m", RomProfile.Fast, Deadline)));
        Assert.Empty(Directory.GetFileSystemEntries(Space));
    }

    private static string ModeOf(string path) => Convert.ToString(Libc.ModeOf(path) & 0xFFF, 8);
}
