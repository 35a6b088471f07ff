using System.Buffers.Binary;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using FsCheck.Xunit;
using VAI.Native.Rom;
using VAI.Residency;
using VAI.Sessions;
using VAI.Sram;

namespace VAI.Core.Tests.Sram;

/// <summary>KV goes in slices between steps: what it is afterwards, what those who run see of it, and what is left of one that is ended.</summary>
public sealed class SlicedCopyTests(ForgedModels models) : EngineTest(models)
{
    private const int Slice = 32;

    [Property(MaxTest = 300)]
    public void Positions_are_cut_without_gap_or_overlap_the_last_ones_first(ushort length, ushort most, ushort atOnce)
    {
        int all = 1 + length, of = 1 + (most % 500);
        KvSlice[] slices = [.. KvSlice.Cut(all, of, atOnce).Select(s => s with { Bytes = 3 })];
        Assert.True(slices[0].Count >= Math.Min(all, atOnce));
        Assert.True(slices[0].Count < of + Math.Max(1, (int)atOnce));
        Assert.All(slices.Skip(1), s => Assert.Equal(of, s.Count));
        byte[] table = new byte[slices.Length * KvSlice.EntryBytes];
        KvSlice.WriteTable(table, slices);
        Assert.Equal(slices, KvSlice.ReadTable(table, all, 3L * slices.Length)!);
        Assert.Null(KvSlice.ReadTable(table, all + 1, 3L * slices.Length));
        Assert.Null(KvSlice.ReadTable(table, all, (3L * slices.Length) + 1));
    }

    [Theory]
    [InlineData("tiny", KvType.F16, 1, 1)]
    [InlineData("tiny", KvType.F16, Slice, 1)]
    [InlineData("tiny", KvType.F16, Slice + 1, 2)]
    [InlineData("tiny", KvType.F16, 2 * Slice, 2)]
    [InlineData("tiny", KvType.F16, 700, 22)]
    [InlineData("tiny", KvType.Q8_0, 700, 22)]
    [InlineData("tiny-gemma3", KvType.F16, 100, 4)]
    [InlineData("tiny-gemma3", KvType.F16, 700, 22)]
    public async Task What_was_parked_or_saved_goes_on_as_if_it_had_not_been(string shape, KvType type, int length, int slices)
    {
        string path = Models.NewFile("sliced.session");
        int[] prompt = [.. Enumerable.Range(0, length).Select(t => 3 + (t * 7 % 700))];
        List<int> expected;
        (IVai vai, IModelContext model) = await LoadSlicedAsync(Models[shape], type);
        await using (vai)
        {
            await using (IInferenceSession whole = model.OpenSession())
                expected = await GoOnAsync(whole, prompt, length);
            await ForgetAsync(model);
            await using IInferenceSession parked = model.OpenSession();
            await ReadAsync(parked.InferAsync(prompt, Greedy(1)));
            await parked.SaveAsync(path);
            await parked.ParkAsync();
            Assert.Null(((Session)parked).Line);
            Assert.Equal(slices, ((Session)parked).Parked!.Slices.Length);
            await parked.SaveAsync(path + ".parked");
            Assert.Equal(await File.ReadAllBytesAsync(path), await File.ReadAllBytesAsync(path + ".parked"));
            Assert.Equal(expected, await OnAsync(parked, length));
        }

        (IVai other, IModelContext again) = await LoadSlicedAsync(Models[shape], type);
        await using (other)
        {
            await using IInferenceSession restored = await again.RestoreSessionAsync(path);
            Assert.Equal(expected, await OnAsync(restored, length));
            await restored.DisposeAsync();
            await SramTests.AssertNothingLeakedAsync(again);
        }

        static async Task<List<int>> GoOnAsync(IInferenceSession session, int[] prompt, int length)
        {
            await ReadAsync(session.InferAsync(prompt, Greedy(1)));
            return await OnAsync(session, length);
        }

        static async Task<List<int>> OnAsync(IInferenceSession session, int reused)
        {
            Response response = await ReadAsync(session.InferAsync((int[])[5, 6], Greedy(12)));
            Assert.Equal(reused, response.Result!.ReusedTokens);
            return response.Tokens;
        }
    }

    [Theory]
    [InlineData("park")]
    [InlineData("save")]
    [InlineData("evict")]
    [InlineData("restore")]
    public async Task Between_two_slices_there_is_a_step_of_those_who_run(string what)
    {
        const int Long = 640;
        (IVai vai, IModelContext model) = await LoadSlicedAsync(Models["tiny"], KvType.F16);
        await using IVai _ = vai;
        var context = (ModelContext)model;
        SramPlacer placer = context.Lane.Placer;
        await using IInferenceSession other = model.OpenSession();
        await ReadAsync(other.InferAsync(new int[Long], Greedy(1)));
        if (what == "restore")
            await other.ParkAsync();

        // On the pipeline's thread, once in each step: how many slices had been copied before it.
        long before = placer.Transfers.Slices;
        var seen = new List<long>();
        Task? copy = null;
        using var steps = new MeterListener { InstrumentPublished = static (i, l) => Enable(i, l) };
        steps.SetMeasurementEventCallback<int>((_, _, _, _) =>
        {
            seen.Add(placer.Transfers.Slices - before);
            if (seen.Count == 3)
                copy = Begin();
        });
        steps.Start();
        await using IInferenceSession chat = model.OpenSession(new SessionOptions { BufferedUpdates = 4096 });
        Assert.Equal(200, (await ReadAsync(chat.InferAsync(Prompt, Greedy(200)))).Tokens.Count);
        steps.Dispose();
        await copy!;
        Assert.Equal(Long / Slice, placer.Transfers.Slices - before);
        for (int i = 1; i < seen.Count; i++)
            Assert.InRange(seen[i] - seen[i - 1], 0, 1);
        Assert.Equal(Long / Slice, seen[^1]);

        Task Begin()
        {
            switch (what)
            {
                case "park":
                    return placer.ParkAsync((Session)other);
                case "save":
                    return DropAsync(placer.CopyAsync((Session)other));
                case "evict":
                    Assert.False(placer.MakeRoom(context.Bank.CellsFree + 1));
                    return placer.ParkAsync((Session)other);
                default:
                    return ReadAsync(other.InferAsync((int[])[7], Greedy(1)));
            }
        }

        static async Task DropAsync(Task<CopiedKv> copy) => (await copy).Kv!.Dispose();

        static void Enable(Instrument instrument, MeterListener listener)
        {
            if (instrument.Name == "vai.step.rows")
                listener.EnableMeasurementEvents(instrument);
        }
    }

    [Fact]
    public async Task A_lot_that_is_full_in_the_middle_of_a_copy_drops_all_of_it()
    {
        (IVai vai, IModelContext model) = await LoadSlicedAsync(Models["tiny"], KvType.F16);
        await using IVai _ = vai;
        var context = (ModelContext)model;
        await using IInferenceSession session = model.OpenSession();
        Response before = await ReadAsync(session.InferAsync(new int[200], Greedy(1)));
        long taken = 0;
        await await context.Pipeline.InvokeAsync(() =>
        {
            Task parked = context.Lane.Placer.ParkAsync((Session)session);
            context.Lane.Placer.Transfers.Advance(0);
            Assert.True(context.Lot.Used > 0);
            for (long bytes = long.MaxValue / 4; bytes > 0; bytes /= 2)
                taken += context.Lot.TryTake(bytes) ? bytes : 0;
            return parked;
        });
        Assert.Null(((Session)session).Parked);
        Assert.Equal(taken, context.Lot.Used);
        context.Lot.Return(taken);
        Assert.Equal(0, (await ReadAsync(session.InferAsync((int[])[7], Greedy(3)))).Result!.ReusedTokens);
        await session.DisposeAsync();
        await SramTests.AssertNothingLeakedAsync(model);
    }

    [Fact]
    public async Task A_copy_that_is_ended_in_the_middle_leaves_the_line_as_it_was()
    {
        (IVai vai, IModelContext model) = await LoadSlicedAsync(Models["tiny"], KvType.F16);
        await using IVai _ = vai;
        var context = (ModelContext)model;
        SramPlacer placer = context.Lane.Placer;
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(new int[200], Greedy(1)));
        Task parked = await context.Pipeline.InvokeAsync<Task>(() =>
        {
            Task copy = placer.ParkAsync((Session)session);
            placer.Transfers.Advance(0);
            placer.Transfers.Advance(0);
            placer.StopCopies((Session)session, new OperationCanceledException());
            Assert.False(placer.Transfers.Any);
            return copy;
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => parked);
        Assert.Equal(0, context.Lot.Used);
        Assert.Equal(200, (await ReadAsync(session.InferAsync((int[])[7], Greedy(3)))).Result!.ReusedTokens);

        // An owner that comes back takes its line back.
        await context.Pipeline.InvokeAsync(() =>
        {
            placer.Park((Session)session);
            placer.Transfers.Advance(0);
            Assert.True(placer.IsFreeing);
            Assert.True(placer.TryPlace((Session)session, 210, 0));
            Assert.False(placer.IsFreeing);
            ((Session)session).Line!.Use = LineUse.Idle;
        });
        Assert.Equal(0, context.Lot.Used);

        // What arrives stays in host memory if it is not wanted after all.
        await session.ParkAsync();
        await context.Pipeline.InvokeAsync(() =>
        {
            Assert.True(placer.TryPlace((Session)session, 210, 0));
            placer.Transfers.Advance(0);
            Assert.Equal(Slice, ((Session)session).Line!.Tokens.Count);
            placer.StopArrival(((Session)session).Line!);
            Assert.Null(((Session)session).Line);
            Assert.Equal(0, context.Bank.CellsUsed);
        });
        await LlamaCells.AssertAgreesAsync(context, () => "after a stopped arrival");
        Assert.InRange((await ReadAsync(session.InferAsync((int[])[7], Greedy(3)))).Result!.ReusedTokens, 203, 204);
        await session.DisposeAsync();
        await SramTests.AssertNothingLeakedAsync(model);
    }

    [Fact]
    public async Task Verbs_that_are_cancelled_and_sessions_that_are_disposed_meanwhile_leave_nothing()
    {
        (IVai vai, IModelContext model) = await LoadSlicedAsync(Models["tiny"], KvType.F16, slice: 2);
        await using IVai _ = vai;
        int[] prompt = new int[300];
        for (int round = 0; round < 20; round++)
        {
            IInferenceSession session = model.OpenSession();
            await ReadAsync(session.InferAsync(prompt, Greedy(1)));
            using var cancel = new CancellationTokenSource();
            Task verb = round % 2 == 0
                ? session.ParkAsync(cancel.Token).AsTask()
                : session.SaveAsync(Models.NewFile("cancelled.session"), cancel.Token).AsTask();
            for (int i = 0; i < round; i++)
                await Task.Yield();
            if (round % 4 < 2)
                await cancel.CancelAsync();
            else
                await session.DisposeAsync();
            Exception? error = await Record.ExceptionAsync(() => verb);
            Assert.True(error is null or OperationCanceledException or ObjectDisposedException, $"{error}");
            await session.DisposeAsync();
        }

        await SramTests.AssertNothingLeakedAsync(model);
    }

    [Fact]
    public async Task Of_a_session_that_an_older_version_saved_the_log_is_used()
    {
        string path = Models.NewFile("old.session");
        (IVai vai, IModelContext model) = await LoadSlicedAsync(Models["tiny"], KvType.F16, slice: 4096);
        await using IVai _ = vai;
        await using IInferenceSession session = model.OpenSession();
        await ReadAsync(session.InferAsync(Prompt, Greedy(4)));
        await session.SaveAsync(path);
        List<byte> file = [.. await File.ReadAllBytesAsync(path)];
        int entries = BinaryPrimitives.ReadInt32LittleEndian([.. file[80..84]]) + BinaryPrimitives.ReadInt32LittleEndian([.. file[88..92]]);
        file.RemoveRange(SessionSeal.HeaderBytes + (4 * entries), KvSlice.EntryBytes);
        file.RemoveRange(file.Count - SessionSeal.MacBytes, SessionSeal.MacBytes);
        (file[8], file[92]) = (1, 0);
        byte[] key = await File.ReadAllBytesAsync(Path.Combine(RomDirectory.Locate(null).Path, "sessions.key"));
        file.AddRange(HMACSHA256.HashData(key, file.ToArray()));
        await File.WriteAllBytesAsync(path, [.. file]);
        await ForgetAsync(model);
        await using IInferenceSession restored = await model.RestoreSessionAsync(path);
        Assert.Equal(session.Tokens, restored.Tokens);
        Assert.Null(((Session)restored).Parked);
    }

    private async Task<(IVai Vai, IModelContext Model)> LoadSlicedAsync(string file, KvType type, int slice = Slice)
    {
        (IVai vai, IModelContext model) = await LoadAsync(
            file, m => (m.ContextLength, m.SramTokens, m.MaxSessions, m.BatchSize, m.KeyType, m.ValueType) = (1024, 2048, 4, 64, type, type));
        ((ModelContext)model).Lane.Placer.Transfers.SliceTokens = slice;
        return (vai, model);
    }

    // So that nothing is shared with what was computed before.
    private static Task ForgetAsync(IModelContext model) => ((ModelContext)model).Pipeline.InvokeAsync(() =>
    {
        while (((ModelContext)model).Lane.Placer.GiveUpOne())
        {
        }
    });
}
