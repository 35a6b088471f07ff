namespace VAI.Forge.Tests;

/// <summary>A forge that does not finish leaves nothing, and says why.</summary>
public sealed class FailureTests : WorkspaceTest
{
    [Fact]
    public async Task An_unknown_shape_lists_the_known_ones()
    {
        VaiUsageException error = await Assert.ThrowsAsync<VaiUsageException>(
            () => ModelForge.ForgeAsync("gpt-5", Workspace["model.gguf"]));
        Assert.Equal(VaiError.InvalidOption, error.Code);
        Assert.All(ModelForge.Shapes, shape => Assert.Contains(shape.Name, error.Message));
        Assert.Empty(Workspace.Files);
    }

    [Fact]
    public async Task Options_out_of_range_are_errors()
    {
        await FailsAsync("model.gguf", new ForgeOptions { Threads = 0 });
        await FailsAsync("model.gguf", new ForgeOptions { Type = (ForgeType)99 });
        await FailsAsync("missing/model.gguf", new ForgeOptions());
        await FailsAsync("", new ForgeOptions());
        Assert.Empty(Workspace.Files);
    }

    [Fact]
    public async Task Cancelling_leaves_nothing()
    {
        using var source = new CancellationTokenSource();
        var progress = new Reports(_ => source.Cancel());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => ModelForge.ForgeAsync("small", Workspace["model.gguf"], null, progress, source.Token));
        Assert.True(progress.Count > 0);
        Assert.Empty(Workspace.Files);
    }

    [Fact]
    public async Task A_failure_under_way_leaves_nothing()
    {
        var progress = new Reports(at =>
        {
            if (at.BytesWritten > at.TotalBytes / 2)
                throw new InvalidTimeZoneException("half way");
        });
        await Assert.ThrowsAsync<InvalidTimeZoneException>(
            () => ModelForge.ForgeAsync("small", Workspace["model.gguf"], null, progress));
        Assert.Empty(Workspace.Files);
    }

    [Fact]
    public async Task A_file_the_system_refuses_is_an_error()
    {
        // No room for the temporary ending.
        string name = new('a', 255);
        VaiEngineException error = await Assert.ThrowsAsync<VaiEngineException>(
            () => ModelForge.ForgeAsync("tiny", Workspace[name]));
        Assert.Equal(VaiError.FileNotWritable, error.Code);
        Assert.Empty(Workspace.Files);
    }

    [Fact]
    public async Task An_existing_file_is_replaced_only_when_allowed()
    {
        string file = Workspace["model.gguf"];
        await File.WriteAllTextAsync(file, "mine");
        await FailsAsync("model.gguf", new ForgeOptions());
        Assert.Equal("mine", await File.ReadAllTextAsync(file));

        ForgeResult result = await ModelForge.ForgeAsync("tiny", file, new ForgeOptions { Overwrite = true });
        Assert.Equal(result.Bytes, new FileInfo(file).Length);
        Assert.Equal(["model.gguf"], Workspace.Files);
    }

    [Fact]
    public async Task Progress_grows_to_the_whole()
    {
        var seen = new List<long>();
        var progress = new Reports(at => seen.Add(at.BytesWritten));
        ForgeResult result = await ModelForge.ForgeAsync("small", Workspace["model.gguf"], null, progress);
        Assert.Equal(seen.Order(), seen);
        Assert.Equal(result.Bytes, seen[^1]);
        Assert.InRange(seen.Count, 10, 101);
    }

    private async Task FailsAsync(string name, ForgeOptions options)
    {
        VaiUsageException error = await Assert.ThrowsAsync<VaiUsageException>(
            () => ModelForge.ForgeAsync("tiny", name.Length > 0 ? Workspace[name] : name, options));
        Assert.Equal(VaiError.InvalidOption, error.Code);
    }

    /// <summary>Reports on the thread that makes them, unlike <see cref="Progress{T}"/>.</summary>
    private sealed class Reports(Action<ForgeProgress> act) : IProgress<ForgeProgress>
    {
        public int Count { get; private set; }

        public void Report(ForgeProgress value)
        {
            Count++;
            act(value);
        }
    }
}
