namespace VAI.Core.Tests.Life;

/// <summary>A load blocks while it reads and waits for locks: of that the pool's threads, which a host has few of, see nothing.</summary>
public sealed class BusyPoolTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task A_load_takes_no_thread_of_the_pool()
    {
        await using IVai vai = Vai.Create(o => o.RomDirectory = Models.NewRomDirectory());
        var seen = new Seen();
        for (int i = 0; i < 2; i++)
        {
            // Burned, then attached.
            await vai.UnloadAsync(await vai.LoadAsync(new ModelOptions { Name = "m", File = Models.Model("tiny", 1) }, seen));
        }

        Assert.Contains(LoadPhase.Burning, seen.Phases);
        Assert.Contains(LoadPhase.Weights, seen.Phases);
        Assert.Equal(0, seen.OnPool);
    }

    // Told on the thread that loads.
    private sealed class Seen : IProgress<LoadProgress>
    {
        public HashSet<LoadPhase> Phases { get; } = [];

        public int OnPool { get; private set; }

        public void Report(LoadProgress value)
        {
            Phases.Add(value.Phase);
            OnPool += Thread.CurrentThread.IsThreadPoolThread ? 1 : 0;
        }
    }
}
