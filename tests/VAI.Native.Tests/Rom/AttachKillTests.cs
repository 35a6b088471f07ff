namespace VAI.Native.Tests.Rom;

/// <summary>Weights outlive every process that used them, and the file that they came from.</summary>
public sealed class AttachKillTests(RomModels models) : RomTest(models)
{
    [Fact]
    public async Task Rom_survives_the_kill_of_all_who_are_attached()
    {
        string file = CopyOf(Models.Small, "source.gguf");
        string image = BurnImage(file);
        File.Delete(file);
        using RomStore store = OpenStore();
        RegistryEntry entry = store.Find("m", RomProfile.Fast, plain: false)!.Value;
        string digest = Convert.ToHexStringLower(entry.Digest);
        string said;
        using (var first = PeerProcess.Start("rom-attach", Space, "m"))
        using (var second = PeerProcess.Start("rom-attach", Space, "m"))
        {
            said = await first.ReadLineAsync();
            Assert.StartsWith(digest + " ", said);
            Assert.Equal(said, await second.ReadLineAsync());
            Assert.Equal(2, store.Users(entry).Leases);
            await first.KillAsync();
            Assert.Equal(1, store.Users(entry).Leases);
            await second.KillAsync();
            Assert.Equal(0, store.Users(entry).Leases);
        }

        using var third = PeerProcess.Start("rom-attach", Space, "m");
        Assert.Equal(said, await third.ReadLineAsync());
        Assert.Equal(1, store.Users(entry).Leases);
        Assert.Equal(ExitCodes.Done, await third.EndAsync());
        store.Verify("m", null, CancellationToken.None);
        Assert.Equal(RomState.Ready, Assert.Single(store.Registry.ReadAll()).Entry.State);
        Assert.Equal(image, Assert.Single(Directory.GetFiles(Space, "*.rom")));
        using (var rom = RomFile.Open(image))
            Assert.Equal(digest, Convert.ToHexStringLower(rom.Header.ImageDigest));
    }
}
