using System.Diagnostics;
using VAI.Sessions;

namespace VAI.Core.Tests.Life;

/// <summary>The engine's end in the middle of loads that go on side by side, as a process that takes over has them.</summary>
public sealed class LoadReadyEndTests(ForgedModels models) : EngineTest(models)
{
    private const int Rounds = 40;

    [Fact]
    public async Task An_engine_that_is_disposed_amid_them_ends_and_holds_nothing()
    {
        string roms = Models.NewRomDirectory();
        ModelOptions[] options =
        [
            .. Enumerable.Range(1, 4).Select(i => new ModelOptions { Name = $"m{i}", File = Models.Model("tiny", (ulong)i), Profile = RomProfile.Exact, SramTokens = 8192 }),
        ];
        TimeSpan whole;
        await using (IVai first = Create())
        {
            foreach (ModelOptions model in options)
                await first.UnloadAsync(await first.LoadAsync(model));
            long start = Stopwatch.GetTimestamp();
            await LoadReadyAsync(first);
            whole = Stopwatch.GetElapsedTime(start);
        }

        int amid = 0;
        for (int round = 0; round < Rounds; round++)
        {
            IVai vai = Create();
            Task load = LoadReadyAsync(vai);
            Spin(whole * round / Rounds);
            bool over = load.IsCompleted;
            await Pending.EndsAsync(vai.DisposeAsync().AsTask(), () => $"the engine's end in round {round}");
            try
            {
                await Pending.EndsAsync(load, () => $"the loads of round {round}");
            }
            catch (ObjectDisposedException)
            {
                amid += over ? 0 : 1;
            }

            Assert.Throws<ObjectDisposedException>(() => vai.Select("m1"));
            await Pending.ThreadsEndAsync(0);
        }

        // Else it has shown nothing.
        Assert.NotEqual(0, amid);
        using var catalog = RomCatalog.Open(new VaiOptions { RomDirectory = roms });
        foreach (ModelOptions model in options)
            Assert.True((await catalog.EvictAsync(model.Name)).FreedBytes > 0);

        IVai Create() => Vai.Create(new VaiOptions { RomDirectory = roms, Threads = 1 });

        Task LoadReadyAsync(IVai vai) => Task.Run(() => ((IPreparable)vai).LoadReadyAsync(options, CancellationToken.None).AsTask());
    }

    private static void Spin(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
            Thread.Yield();
    }
}
