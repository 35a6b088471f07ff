using System.Text.RegularExpressions;

namespace VAI.Native.Tests.Rom.Burning;

/// <summary>Burns that end before their end leave nothing.</summary>
public sealed class UnfinishedBurnTests(RomModels models) : RomTest(models)
{
    public static TheoryData<RomProfile, string> Phases
    {
        get
        {
            var phases = new TheoryData<RomProfile, string>();
            foreach (RomBurnPhase phase in Enum.GetValues<RomBurnPhase>().Where(p => p != RomBurnPhase.Waiting))
            {
                phases.Add(RomProfile.Fast, $"{phase}");
                phases.Add(RomProfile.Exact, $"{phase}");
            }

            return phases;
        }
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public void A_cancelled_burn_leaves_nothing(RomProfile profile, string phase)
    {
        using RomStore store = OpenStore();
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => store.Burn(
            new RomBurnRequest(Models.Tiny, "m", profile, Deadline), rename: false, OnProgress, stop.Token));
        Assert.True(stop.IsCancellationRequested);
        AssertNothingLeft();
        Assert.True(Burn(store, Models.Tiny, profile: profile).Burned);

        void OnProgress(RomBurnProgress p)
        {
            if ($"{p.Phase}" == phase)
                stop.Cancel();
        }
    }

    /// <summary>What a caller throws out of its own progress is no reason to leave something either.</summary>
    [Theory]
    [MemberData(nameof(Phases))]
    public void A_burn_whose_progress_throws_leaves_nothing(RomProfile profile, string phase)
    {
        using RomStore store = OpenStore();
        Assert.Equal("mine", Assert.Throws<InvalidOperationException>(() => store.Burn(
            new RomBurnRequest(Models.Tiny, "m", profile, Deadline), rename: false, OnProgress, CancellationToken.None)).Message);
        AssertNothingLeft();

        void OnProgress(RomBurnProgress p)
        {
            if ($"{p.Phase}" == phase)
                throw new InvalidOperationException("mine");
        }
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public void A_file_that_changes_while_it_is_burned_is_refused(RomProfile profile, string phase)
    {
        string parent = Directory.CreateTempSubdirectory("vai-rom-source-").FullName;
        try
        {
            string file = Path.Combine(parent, "m.gguf");
            File.Copy(Models.Tiny, file);
            using RomStore store = OpenStore();
            bool changed = false;
            Throws<VaiUsageException>(VaiError.FileNotReadable, "was changed while it was burned. Burn it again", () => store.Burn(
                new RomBurnRequest(file, "m", profile, Deadline), rename: false, OnProgress, CancellationToken.None));
            Assert.True(changed);
            AssertNothingLeft();
            Assert.True(Burn(store, file, profile: profile).Burned);

            void OnProgress(RomBurnProgress p)
            {
                if (changed || $"{p.Phase}" != phase)
                    return;
                changed = true;
                long last = new FileInfo(file).Length - 1;
                using FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                stream.Position = last;
                int value = stream.ReadByte();
                stream.Position = last;
                stream.WriteByte((byte)(value ^ 1));
            }
        }
        finally
        {
            Directory.Delete(parent, recursive: true);
        }
    }

    /// <summary>
    /// A file system that is too small, mounted by a peer in a mount namespace of its own. Root may make one, and so may most
    /// users in a user namespace; where neither is allowed this fails and says so, since nothing else gives ENOSPC to anybody.
    /// </summary>
    [Theory]
    [InlineData(RomProfile.Fast)]
    [InlineData(RomProfile.Exact)]
    public async Task A_full_file_system_is_said_clearly(RomProfile profile)
    {
        // The registry and the leases fit, the model does not.
        string mount = Path.Combine(Space, "mount");
        Directory.CreateDirectory(mount);
        using var peer = PeerProcess.StartUnder(
            IsRoot ? ["unshare", "-m"] : ["unshare", "-Urm"], [], "rom-burn-into", Models.Tiny, mount, "1m", profile.ToString());
        string[] said = (await peer.ReadRestAsync()).Split('\n');
        string errors = await peer.ReadErrorAsync();
        Assert.True(await peer.EndAsync() == ExitCodes.Done, $"This needs unshare(1) and leave to mount: {string.Join('\n', said)} {errors}");
        Assert.Equal(nameof(VaiError.RomNoSpace), said[0]);
        Assert.Matches(new Regex($"^{mount}: a ROM of [1-9][0-9]* MiB does not fit: [0-9]+ of 1 MiB are free\\. .*{RomDirectory.Variable}"), said[1]);
        Assert.Equal("leases registry registry.lock", said[2]);
        Assert.Equal("0", said[3]);
        Assert.Empty(Directory.GetFileSystemEntries(mount));
    }
}
