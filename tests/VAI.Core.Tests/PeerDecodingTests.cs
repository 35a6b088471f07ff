using VAI.Bench.Report;

namespace VAI.Core.Tests;

/// <summary>How much a peer is asked for, by what it took for what it was asked before; no clock.</summary>
public sealed class PeerDecodingTests
{
    private const double Prompt = 0.02;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(0.3);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);
    private readonly List<double> _took = [];
    private double _speed;

    /// <summary>As beside busy threads: a request for as much as the window had before would take minutes.</summary>
    [Theory]
    [InlineData(1000)]
    [InlineData(100)]
    [InlineData(8)]
    public async Task A_window_is_filled_with_requests_that_are_small(double speed)
    {
        _speed = speed;
        Assert.Equal(speed, await new PeerDecoding(Answer).MeasureAsync(Settling, Window, default), 0.001 * speed);
        Assert.InRange(_took.Sum(), (Settling + Window).TotalSeconds, 10 * Window.TotalSeconds);
    }

    [Fact]
    public async Task What_takes_as_long_as_the_window_is_asked_once()
    {
        _speed = 0.8;
        Assert.Equal(0.8, await new PeerDecoding(Answer).MeasureAsync(Settling, Window, default), 0.001);
        Assert.Single(_took);
    }

    /// <summary>Its speed may change, and all of an answer may come at once.</summary>
    [Fact]
    public async Task What_settles_does_not_count()
    {
        var answers = new Queue<PeerAnswer>([Of(8, 0.1, 0.1), Of(8, 0.1, 0.4), Of(8, 0, 0.1), Of(8, 0.3, 0.3), Of(8, 0, 0.6)]);
        double speed = await new PeerDecoding((_, _) => Task.FromResult(answers.Dequeue())).MeasureAsync(Settling, Window, default);
        Assert.Empty(answers);
        Assert.Equal(21 / 1.0, speed, 0.001);
    }

    private Task<PeerAnswer> Answer(int tokens, CancellationToken cancellation)
    {
        double seconds = Prompt + ((tokens - 1) / _speed);
        _took.Add(seconds);
        return Task.FromResult(Of(tokens, Prompt, seconds));
    }

    private static PeerAnswer Of(int tokens, double first, double total) => new(TimeSpan.FromSeconds(first), TimeSpan.FromSeconds(total), tokens);
}
