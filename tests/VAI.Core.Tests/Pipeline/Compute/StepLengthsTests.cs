using System.Diagnostics;
using VAI.Pipeline.Compute;

namespace VAI.Core.Tests.Pipeline.Compute;

/// <summary>How many rows of prompts a step has.</summary>
public sealed class StepLengthsTests(ForgedModels models) : EngineTest(models)
{
    [Theory]
    [InlineData(100, 0, 32)] // A row takes as long whatever is beside it.
    [InlineData(100, 3200, 256)] // A step costs what 32 rows do: 512 are not 3 % faster than 256.
    [InlineData(100, 320, 64)]
    public void The_fewest_that_are_as_fast_as_can_be(long row, long step, int expected)
    {
        int settled = 0;
        var lengths = new StepLengths(32, 512, settled: rows => settled = rows);
        for (int i = 0; settled == 0; i++)
        {
            Assert.InRange(i, 0, 1000);
            lengths.Took(lengths.Rows, step + (row * lengths.Rows));
        }

        Assert.Equal((expected, expected), (settled, lengths.Rows));
    }

    [Fact]
    public void None_that_others_would_wait_for_too_long()
    {
        var lengths = new StepLengths(32, 512);
        long step = Stopwatch.Frequency / 10;
        for (int i = 0; i < 100; i++)
            lengths.Took(lengths.Rows, step + (lengths.Rows * step / 64));
        Assert.Equal(256, lengths.Rows);
    }

    [Fact]
    public void Where_nothing_can_be_found_out_prompts_go_in_one_piece()
    {
        var lengths = new StepLengths(32, 512, settled: _ => Assert.Fail("Nothing was measured."));
        for (int i = 0; i < 1000; i++)
            lengths.Took(20, 100);
        Assert.Equal(512, lengths.Rows);
    }

    [Theory]
    [InlineData(128, 128)]
    [InlineData(100, 32)] // Of another build, perhaps.
    public void What_is_known_is_not_measured_again(int known, int expected) => Assert.Equal(expected, new StepLengths(32, 512, known).Rows);

    [Fact]
    public async Task It_is_kept_beside_the_ROM_and_goes_with_it()
    {
        string roms = Directory.CreateTempSubdirectory("vai-steps-").FullName;
        await using (IVai vai = Create())
        {
            IModelContext model = vai.Select(await vai.LoadAsync("m"));
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
            for (int i = 0; Kept().Length == 0; i++)
            {
                await using IInferenceSession session = model.OpenSession();
                await ReadAsync(session.InferAsync((int[])[.. Enumerable.Range(0, 900).Select(t => (t + i) % 200)], Greedy(1), limit.Token));
            }

            string[] words = (await File.ReadAllTextAsync(Kept()[0], limit.Token)).Split(' ', '\n');
            Assert.Equal("2", words[0]);
            Assert.Contains(words[1], (string[])["32", "64", "128", "256", "512"]);
        }

        await using (IVai vai = Create())
            await vai.LoadAsync("m");
        using (var catalog = RomCatalog.Open(new VaiOptions { RomDirectory = roms }))
            await catalog.EvictAsync("m");
        Assert.Empty(Kept());
        Directory.Delete(roms, recursive: true);

        IVai Create() => Vai.Create(o =>
        {
            (o.Threads, o.RomDirectory) = (2, roms);
            o.AddModel("m", Models["tiny"], m => (m.Profile, m.ContextLength) = (RomProfile.Fast, 1024));
        });
        string[] Kept() => Directory.GetFiles(roms, "*.steps");
    }
}
