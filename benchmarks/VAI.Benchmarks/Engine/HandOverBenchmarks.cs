using System.Text;
using System.Threading.Channels;
using BenchmarkDotNet.Attributes;
using VAI.Text;

namespace VAI.Benchmarks.Engine;

/// <summary>What a token costs between the sampler and the caller: its text, and the channel.</summary>
public class HandOverBenchmarks
{
    private readonly TextStream _plain = new();
    private readonly StopStrings _stops = new(["\n\n", "<|im_end|>"]);
    private readonly byte[] _open = [0xE6];
    private readonly byte[] _close = [0x97, 0xA5];
    private readonly byte[] _word = Encoding.UTF8.GetBytes(" module");
    private readonly Channel<InferenceUpdate> _channel = Channel.CreateBounded<InferenceUpdate>(
        new BoundedChannelOptions(64) { SingleReader = true, SingleWriter = true });

    /// <summary>The one string of the word is the caller's.</summary>
    [Benchmark]
    public string Text() => _plain.Append(_word);

    [Benchmark]
    public string TextWithStopStrings() => _stops.Append(_plain.Append(_word));

    /// <summary>A character in two tokens: the first gives nothing, the second one string.</summary>
    [Benchmark]
    public string SplitCharacter()
    {
        _plain.Append(_open);
        return _plain.Append(_close);
    }

    [Benchmark]
    public bool ThroughTheChannel()
    {
        _channel.Writer.TryWrite(new InferenceUpdate("", 1));
        return _channel.Reader.TryRead(out _);
    }
}
