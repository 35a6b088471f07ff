using VAI.Bench.Report;

namespace VAI.Core.Tests;

/// <summary>How much a peer is asked for, by what it took for what it was asked before; no clock.</summary>
public sealed class PeerDecodingTests
{
    private const double Prompt = 0.02;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(0.3);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);
    private readonly List<(int Tokens, double Seconds)> _asked = [];
    private double _speed = 1000;

    /// <summary>As beside two busy threads: a request sized by the window before would take half a minute.</summary>
    [Theory]
    [InlineData(300)]
    [InlineData(27)]
    [InlineData(3)]
    [InlineData(5000)]
    public async Task What_has_become_slow_is_asked_for_little(double speed)
    {
        var peer = new PeerDecoding(Answer);
        Assert.Equal(1000, await peer.MeasureAsync(Settling, Window, default), 0.001);
        _asked.Clear();
        _speed = speed;
        Assert.Equal(speed, await peer.MeasureAsync(Settling, Window, default), 0.001 * speed);

        // What is asked first is sized by nothing that was before, and nothing takes much longer than what it is for.
        Assert.InRange(_asked[0].Tokens, 1, 4);
        Assert.All(_asked, a => Assert.InRange(a.Seconds, 0, Math.Max(0.5, 4 / speed) + Prompt));
        Assert.InRange(_asked.Count, 1, 40);
    }

    [Fact]
    public async Task What_takes_as_long_as_the_window_is_asked_once()
    {
        _speed = 0.8;
        Assert.Equal(0.8, await new PeerDecoding(Answer).MeasureAsync(Settling, Window, default), 0.001);
        Assert.Equal(4, Assert.Single(_asked).Tokens);
    }

    /// <summary>Its speed may change, and all of an answer may come at once.</summary>
    [Fact]
    public async Task A_window_is_filled_by_as_many_requests_as_it_takes()
    {
        var answers = new Queue<PeerAnswer>([Of(4, 0.1, 0.1), Of(8, 0.1, 0.4), Of(6, 0, 0.1), Of(14, 0.3, 0.3), Of(14, 0, 0.6)]);
        double speed = await new PeerDecoding((_, _) => Task.FromResult(answers.Dequeue())).MeasureAsync(Settling, Window, default);
        Assert.Empty(answers);
        Assert.Equal((5 + 13 + 13) / 1.0, speed, 0.001);
    }

    private Task<PeerAnswer> Answer(int tokens, CancellationToken cancellation)
    {
        double seconds = Prompt + ((tokens - 1) / _speed);
        _asked.Add((tokens, seconds));
        return Task.FromResult(Of(tokens, Prompt, seconds));
    }

    private static PeerAnswer Of(int tokens, double first, double total) => new(TimeSpan.FromSeconds(first), TimeSpan.FromSeconds(total), tokens);
}
