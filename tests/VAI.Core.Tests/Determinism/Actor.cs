using System.Security.Cryptography;
using VAI.Pipeline.Steps;
using VAI.Residency;
using VAI.Sessions;
using VAI.Sram;

namespace VAI.Core.Tests.Determinism;

/// <summary>A transaction that has to be what the reference generates.</summary>
internal sealed record Claim(string Model, Piece[] History, InferenceOptions Options, int[] Generated);

/// <summary>KV of a sequence that has to be what the reference computes, bit for bit.</summary>
internal sealed record KvClaim(string Model, Piece[] History, int Tokens, int Sequence, byte[] Digest);

/// <summary>One user of some sessions, who does random things to them, one at a time, and writes down what came of it.</summary>
internal sealed class Actor(IVai vai, int seed, string scratch)
{
    private const int Sessions = 2;
    private readonly Random _random = new(seed);
    private readonly List<Tracked> _sessions = [];
    private int _files;

    public List<Claim> Claims { get; } = [];

    public List<KvClaim> KvClaims { get; } = [];

    public async Task RunAsync(int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            while (_sessions.Count < Sessions)
                _sessions.Add(new Tracked(vai.Models[_random.Next(vai.Models.Count)].OpenSession(new SessionOptions { BufferedUpdates = 1 + _random.Next(4) })));
            await OperateAsync(_sessions[_random.Next(_sessions.Count)]);
        }

        foreach (Tracked tracked in _sessions)
            await tracked.Session.DisposeAsync();
    }

    private async Task OperateAsync(Tracked t)
    {
        IInferenceSession session = t.Session;
        int operation = _random.Next(100);
        switch (operation)
        {
            case < 50:
                await InferAsync(t, cancelAfter: null);
                break;
            case < 60:
                await InferAsync(t, cancelAfter: _random.Next(6));
                break;
            case < 66:
                await ForkAsync(t);
                break;
            case < 72:
                await session.CommitAsync();
                t.Committed = t.History.Count;
                break;
            case < 79:
                await session.RollbackAsync();
                t.History.RemoveRange(t.Committed, t.History.Count - t.Committed);
                break;
            case < 86:
                await session.ParkAsync();
                break;
            case < 90:
                await session.RebuildAsync();
                break;
            case < 95:
                await SaveAndRestoreAsync(t);
                break;
            default:
                await session.DisposeAsync();
                _sessions.Remove(t);
                return;
        }

        Assert.Equal(t.Tokens, t.Session.Tokens);
        await LookAsync(t);
    }

    private async Task InferAsync(Tracked t, int? cancelAfter)
    {
        InferenceOptions options = Options();
        int[] prompt = Prompt(t);
        if (t.Tokens.Count() + prompt.Length + options.MaxTokens >= t.Session.Model.ContextLength)
        {
            await t.Session.DisposeAsync();
            t.Session = t.Session.Model.OpenSession();
            t.History.Clear();
            t.Committed = 0;
        }

        using var cancel = new CancellationTokenSource();
        var seen = new List<int>();
        int before = t.Tokens.Count();
        try
        {
            await foreach (InferenceUpdate update in t.Session.InferAsync(prompt, options, cancel.Token))
            {
                if (update.Result is null)
                    seen.Add(update.TokenId);
                if (seen.Count > cancelAfter)
                    await cancel.CancelAsync();
                if (cancelAfter == 0 && _random.Next(2) == 0)
                    break;
            }
        }
        catch (OperationCanceledException) when (cancelAfter is not null)
        {
        }

        int[] generated = [.. t.Session.Tokens.Skip(before + prompt.Length)];
        Assert.Equal(seen, generated.Take(seen.Count));
        if (generated.Length == 0)
            return;
        t.History.Add(new Piece(prompt, Generated: false));
        Claims.Add(new Claim(t.Session.Model.Name, [.. t.History], options, generated));
        t.History.Add(new Piece(generated, Generated: true));
    }

    private async Task ForkAsync(Tracked t)
    {
        var child = new Tracked(await t.Session.ForkAsync()) { Committed = t.Committed };
        child.History.AddRange(t.History);
        Tracked other = _sessions[_random.Next(_sessions.Count)];
        if (other != t)
        {
            await other.Session.DisposeAsync();
            _sessions.Remove(other);
        }

        _sessions.Add(child);
    }

    private async Task SaveAndRestoreAsync(Tracked t)
    {
        string path = Path.Combine(scratch, $"{seed}-{_files++}.session");
        await t.Session.SaveAsync(path);
        await t.Session.DisposeAsync();
        t.Session = await t.Session.Model.RestoreSessionAsync(path);
        File.Delete(path);
        Assert.Equal(t.History.Take(t.Committed).Sum(p => p.Tokens.Length), t.Session.CommittedCount);
    }

    // The bits of what it holds now.
    private async Task LookAsync(Tracked t)
    {
        if (_random.Next(4) != 0)
            return;
        var session = (Session)t.Session;
        ModelContext model = session.Context;
        int sequence = -1;
        (ParkedKv? copy, bool isTheSessions) = await await model.Pipeline.InvokeAsync(() =>
        {
            sequence = session.Line?.Sequence ?? -1;
            return model.Lane.Placer.CopyAsync(session);
        });
        using ParkedKv? kv = isTheSessions ? null : copy;
        if (kv is null || sequence < 0)
            return;

        // What it held may be from before a rollback, or of a sharer: only what its own history covers counts.
        int[] own = [.. t.Tokens];
        if (kv.Tokens.Length > own.Length || !kv.Tokens.Select(Schedule.Id).SequenceEqual(own.Take(kv.Tokens.Length)) || !Kinds(t, kv.Tokens))
            return;
        KvClaims.Add(new KvClaim(model.Name, [.. t.History], kv.Tokens.Length, sequence, SHA256.HashData(kv.Bytes(0))));
    }

    private static bool Kinds(Tracked t, int[] entries) =>
        t.History.SelectMany(p => Enumerable.Repeat(p.Generated, p.Tokens.Length)).Take(entries.Length).SequenceEqual(entries.Select(e => e < 0));

    private InferenceOptions Options()
    {
        var some = new InferenceOptions { MaxTokens = 1 + _random.Next(10), Seed = (uint)_random.Next(), Temperature = 1.5f, PenaltyLastN = _random.Next(100) };
        return _random.Next(4) switch
        {
            0 => some with { Temperature = 0 },
            1 => some with { TopK = 0, TopP = 1, MinP = 0 },
            2 => some,
            _ => some with { RepeatPenalty = 1.2f, FrequencyPenalty = 0.5f, PresencePenalty = 0.25f, LogitBias = new Dictionary<int, float> { [7] = 2 } },
        };
    }

    // Few different beginnings, so that there is much to share.
    private int[] Prompt(Tracked t)
    {
        int length = _random.Next(5) == 0 ? 60 + _random.Next(50) : 1 + _random.Next(20);
        var tokens = new Random(t.History.Count == 0 ? _random.Next(3) : _random.Next());
        return [.. Enumerable.Range(0, length).Select(_ => 3 + tokens.Next(900))];
    }

    private sealed class Tracked(IInferenceSession session)
    {
        public IInferenceSession Session { get; set; } = session;

        public List<Piece> History { get; } = [];

        public int Committed { get; set; }

        public IEnumerable<int> Tokens => History.SelectMany(p => p.Tokens);
    }
}
