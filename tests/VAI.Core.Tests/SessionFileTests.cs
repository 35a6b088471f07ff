using VAI.Sessions;

namespace VAI.Core.Tests;

/// <summary>A saved session is untrusted: every bit of it is checked before llama.cpp sees any.</summary>
public sealed class SessionFileTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task A_session_goes_on_in_another_engine_without_computing_anything_again()
    {
        string path = Models.NewFile("one.session");
        List<int> expected;
        int[] tokens;
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using (vai)
        {
            await using IInferenceSession session = model.OpenSession();
            await ReadAsync(session.InferAsync(Prompt, Greedy(20)));
            await session.CommitAsync();
            await session.SaveAsync(path);
            await session.SaveAsync(path);
            tokens = [.. session.Tokens];
            expected = (await ReadAsync(session.InferAsync(" and", Greedy(8)))).Tokens;
        }

        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        (IVai other, IModelContext again) = await LoadAsync(Models["tiny"]);
        await using (other)
        {
            await using IInferenceSession session = await again.RestoreSessionAsync(path);
            Assert.Equal(tokens, session.Tokens);
            Assert.Equal(tokens.Length, session.CommittedCount);
            Response response = await ReadAsync(session.InferAsync(" and", Greedy(8)));
            Assert.Equal(expected, response.Tokens);
            Assert.Equal(tokens.Length - 1, response.Result!.ReusedTokens);
        }

        // Of another geometry the tokens count and the KV does not.
        (IVai third, IModelContext wider) = await LoadAsync(Models["tiny"], m => m.KeyType = KvType.F32);
        await using (third)
        {
            await using IInferenceSession session = await wider.RestoreSessionAsync(path);
            Assert.Equal(tokens, session.Tokens);
            Assert.Equal(0, (await ReadAsync(session.InferAsync(" and", Greedy(2)))).Result!.ReusedTokens);
        }
    }

    /// <summary>What was killed while it saved leaves all that it had written, and would for ever.</summary>
    [Fact]
    public async Task What_a_dead_process_did_not_finish_goes_with_the_next_one_and_what_a_live_one_writes_stays()
    {
        string path = Models.NewFile("left.session"), of = $"{path}.4242.{Guid.NewGuid():N}";
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
        string[] others = [$"{path}.tmp", $"{of}.old", $"{path}.x.{Guid.NewGuid():N}.tmp", $"{path}2.4242.{Guid.NewGuid():N}.tmp"];
        foreach (string file in others.Append($"{of}.tmp"))
            await File.WriteAllTextAsync(file, "written by somebody");
        using (var living = SessionDraft.Begin(path))
        {
            await session.SaveAsync(path);
            living.Publish();
        }

        Assert.False(File.Exists($"{of}.tmp"));
        Assert.All(others, file => Assert.True(File.Exists(file)));
        await session.SaveAsync(path);
        Assert.Equal(
            others.Append(path).Select(Path.GetFileName).Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(Path.GetDirectoryName(path)!, Path.GetFileName(path) + "*").Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Reading_ends_when_nobody_wants_it_any_more()
    {
        string path = Models.NewFile("unwanted.session");
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
        await session.SaveAsync(path);
        var file = SessionFile.For((VAI.Residency.ModelContext)model);
        Assert.Throws<OperationCanceledException>(() => file.Read(path, new CancellationToken(canceled: true)));
        SessionImage image = file.Read(path, CancellationToken.None);
        Assert.NotNull(image.Kv);
        image.Kv.Dispose();
    }

    [Fact]
    public async Task A_pipe_in_its_place_is_refused_and_not_waited_for()
    {
        string path = Models.NewFile("pipe.session");
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", [path]))
            await mkfifo.WaitForExitAsync();
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        VaiUsageException refused = await Assert.ThrowsAsync<VaiUsageException>(async () => await model.RestoreSessionAsync(path)).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(VaiError.FileNotReadable, refused.Code);
    }

    [Fact]
    public async Task A_changed_file_is_refused_wherever_it_was_changed()
    {
        string path = Models.NewFile("whole.session");
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using IVai _ = vai;
        await using (IInferenceSession session = model.OpenSession())
        {
            await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
            await session.SaveAsync(path);
        }

        byte[] whole = await File.ReadAllBytesAsync(path);
        string changed = Models.NewFile("changed.session");
        var random = new Random(7);
        int[] places = [.. Enumerable.Range(0, SessionSeal.HeaderBytes), .. Enumerable.Range(0, 60).Select(_ => random.Next(whole.Length))];
        foreach (int place in places)
        {
            byte[] bytes = [.. whole];
            bytes[place] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(changed, bytes);
            await RejectedAsync(changed);
        }

        foreach (int length in (int[])[0, 7, SessionSeal.HeaderBytes, whole.Length - 1])
        {
            await File.WriteAllBytesAsync(changed, whole[..length]);
            await RejectedAsync(changed);
        }

        await File.WriteAllBytesAsync(changed, [.. whole, 0]);
        await RejectedAsync(changed);
        await ThrowsAsync<VaiUsageException>(VaiError.FileNotFound, () => model.RestoreSessionAsync(path + ".none").AsTask());
        Assert.Equal(0, model.OpenSessions);

        async Task RejectedAsync(string file) =>
            await ThrowsAsync<VaiUsageException>(VaiError.SessionFileRejected, () => model.RestoreSessionAsync(file).AsTask());
    }

    [Fact]
    public async Task Another_model_or_too_short_a_context_refuses_a_session()
    {
        string path = Models.NewFile("bound.session");
        (IVai vai, IModelContext model) = await LoadAsync(Models["tiny"]);
        await using (vai)
        {
            await using IInferenceSession session = model.OpenSession();
            await ReadAsync(session.InferAsync(new int[100], Greedy(4)));
            await session.SaveAsync(path);
            await ThrowsAsync<VaiEngineException>(
                VaiError.FileNotWritable, () => session.SaveAsync("/nowhere/at/all.session").AsTask());
            Assert.Equal(4, (await ReadAsync(session.InferAsync(Prompt, Greedy(4)))).Tokens.Count);
        }

        await RefusedAsync(VaiError.SessionFileRejected, Models["tiny-qwen3"], _ => { });
        await RefusedAsync(VaiError.ContextFull, Models["tiny"], m => m.ContextLength = 64);
        await RefusedAsync(VaiError.NotSupported, Models["tiny"], m => m.Profile = RomProfile.None);

        async Task RefusedAsync(VaiError code, string file, Action<ModelOptions> configure)
        {
            (IVai other, IModelContext context) = await LoadAsync(file, configure);
            await using IVai _ = other;
            await ThrowsAsync<VaiUsageException>(code, () => context.RestoreSessionAsync(path).AsTask());
        }
    }
}
