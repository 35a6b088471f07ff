using System.Net.Sockets;
using System.Text.Json;
using VAI.Daemon.Supervision.Link;
using VAI.Daemon.Tests.Api;
using VAI.Remote.Wire;
using Xunit.Abstractions;

namespace VAI.Daemon.Tests.Supervision.Link;

/// <summary>What one side asked and the other knows of, compared: what was lost is found, and nothing else is taken for lost.</summary>
[Collection(ApiCollection.Name)]
public sealed class LostTests(ForgedModels models, ITestOutputHelper output)
{
    private const int Calls = 400;

    [Fact]
    public async Task What_was_lost_is_found_and_what_was_answered_at_whatever_time_is_not()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("VAI_TEST_SEED"), out int given) ? given : Environment.TickCount & 0xFFFF;
        output.WriteLine($"VAI_TEST_SEED={seed}");
        (Socket one, Socket other) = LinkRig.Pair(models.NewFile("sock"));
        using var engine = new Forgetful(other, seed);
        using EngineLink link = await EngineLink.GreetAsync(one, null, default);
        Task<bool>[] asking = [.. Enumerable.Range(0, Calls).Select(i => Task.Run(() => AskAsync(link, i)))];
        Task all = Task.WhenAll(asking);
        var lost = new List<ulong>();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!all.IsCompleted)
            lost.AddRange((await link.CompareAsync(limit.Token)).Select(e => e.Id));
        bool[] answered = await Task.WhenAll(asking);
        Assert.Equal(engine.Dropped.Order(), answered.Index().Where(a => !a.Item).Select(a => a.Index));
        Assert.Equal(engine.Dropped.Count, lost.Distinct().Count());
        Assert.InRange(engine.Dropped.Count, 1, Calls - 1);
        Assert.False(link.IsBusy);
    }

    private static async Task<bool> AskAsync(EngineLink link, int number)
    {
        try
        {
            await link.CallAsync(new CallHead(LinkMethod.Unload, 0, 0), new WireUnload($"{number}"), WireJson.Default.WireUnload, default);
            return true;
        }
        catch (LinkEndedException)
        {
            return false;
        }
    }

    /// <summary>An engine that forgets some of what it is asked, and answers the rest later, in any order.</summary>
    private sealed class Forgetful : ILinkSide, IDisposable
    {
        private readonly Lock _gate = new();
        private readonly Random _random;
        private readonly HashSet<ulong> _known = [];
        private readonly LinkConnection _connection;

        public Forgetful(Socket socket, int seed)
        {
            _random = new Random(seed);
            _connection = new LinkConnection(socket, this);
            _connection.Start();
            _connection.Send(LinkKind.Hello, 0, LinkHello.Mine.ToBytes());
        }

        public List<int> Dropped { get; } = [];

        public void Take(LinkHeader header, ReadOnlySpan<byte> payload)
        {
            if (header.Kind is not LinkKind.Call)
                return;
            CallHead head = CallHead.Read(payload);
            ReadOnlySpan<byte> document = payload[CallHead.Bytes..];
            if (head.Method is LinkMethod.Unknown)
            {
                IReadOnlyList<ulong> ids = JsonSerializer.Deserialize(document, WireJson.Default.WireIds)!.Ids;
                ulong[] unknown;
                lock (_gate)
                    unknown = [.. ids.Where(i => !_known.Contains(i))];
                _connection.Send(LinkKind.Answer, header.Id, JsonSerializer.SerializeToUtf8Bytes(new WireIds(unknown), WireJson.Default.WireIds));
                return;
            }

            if (_random.Next(8) == 0)
            {
                Dropped.Add(int.Parse(JsonSerializer.Deserialize(document, WireJson.Default.WireUnload)!.Name, System.Globalization.CultureInfo.InvariantCulture));
                return;
            }

            lock (_gate)
                _known.Add(header.Id);
            _ = AnswerAsync(header.Id, _random.Next(20));
        }

        public void Dispose() => _connection.Dispose();

        public void Taken()
        {
        }

        public void Ended(LinkEndedException reason)
        {
        }

        // Answered, and then forgotten, as an engine does it.
        private async Task AnswerAsync(ulong id, int later)
        {
            for (int i = 0; i < later; i++)
                await Task.Delay(1);
            _connection.Send(LinkKind.Answer, id, default);
            lock (_gate)
                _known.Remove(id);
        }
    }
}
