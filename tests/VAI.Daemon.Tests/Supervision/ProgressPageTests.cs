using VAI.Daemon.Tests.Api;
using VAI.Diagnostics;
using static VAI.Daemon.Tests.Api.VaiConformance;

namespace VAI.Daemon.Tests.Supervision;

/// <summary>The page in which an engine shows that it comes on.</summary>
[Collection(ApiCollection.Name)]
public sealed class ProgressPageTests(ForgedModels models)
{
    [Fact]
    public void The_layout_is_what_it_is()
    {
        string path = models.NewFile("page");
        using var read = ProgressPage.Create(path);
        Assert.False(read.IsThere);
        using (var write = ProgressPage.Attach(path))
        {
            Assert.True(read.IsThere);
            write.Begin();
            write.Begin();
            write.End();
            write.Move();
            write.Move();
            write.Move();
        }

        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal(4096, bytes.Length);
        Assert.Equal(0x3147_5250_4941_5601UL, BitConverter.ToUInt64(bytes, 0));
        Assert.Equal(1UL, BitConverter.ToUInt64(bytes, 8));
        Assert.Equal((ulong)Environment.ProcessId, BitConverter.ToUInt64(bytes, 16));
        Assert.Equal(2UL, BitConverter.ToUInt64(bytes, 64));
        Assert.Equal(1UL, BitConverter.ToUInt64(bytes, 72));
        Assert.NotEqual(0UL, BitConverter.ToUInt64(bytes, 80));
        Assert.Equal(3UL, BitConverter.ToUInt64(bytes, 128));
        Assert.Equal((2UL, 1UL, 3UL), read.Marks);
        Assert.Throws<VaiEngineException>(() => ProgressPage.Create(path));
        Assert.Throws<VaiEngineException>(() => ProgressPage.Attach(path + "x"));
    }

    [Fact]
    public async Task An_engine_counts_its_steps_and_what_its_loads_do()
    {
        using var page = ProgressPage.Attach(Made());
        await using IVai vai = ApiHost.Engine(models, o => o.Progress = page);
        await vai.LoadAsync(new ModelOptions { Name = "m", File = models["tiny"], Profile = RomProfile.Exact });
        (ulong begun, _, ulong moves) = page.Marks;
        Assert.NotEqual(0UL, moves);
        await using IInferenceSession session = vai.Select("m").OpenSession();
        await ReadAsync(session.InferAsync("Write", Greedy(20)));
        Assert.True(page.Marks.Begun >= begun + 20);
        Assert.True(page.Longest > TimeSpan.Zero);

        string Made()
        {
            string path = models.NewFile("page");
            ProgressPage.Create(path).Dispose();
            return path;
        }
    }
}
