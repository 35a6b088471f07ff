using System.Diagnostics;

namespace VAI.Bench;

/// <summary>How many tokens of a stream come in a second of a window, once it has run for a while.</summary>
internal sealed class DecodeWindow(TimeSpan settling, TimeSpan length)
{
    private readonly long _begun = Stopwatch.GetTimestamp();
    private long _from;
    private long _last;
    private int _tokens;

    /// <summary>Of the window; 0 while it has none.</summary>
    public double TokensPerSecond => _tokens == 0 ? 0 : _tokens / Stopwatch.GetElapsedTime(_from, _last).TotalSeconds;

    /// <summary>Counts a token that has just come.</summary>
    /// <returns>Whether more are wanted.</returns>
    public bool Count()
    {
        long at = Stopwatch.GetTimestamp();
        if (_from == 0)
        {
            if (Stopwatch.GetElapsedTime(_begun, at) >= settling)
                _from = at;
            return true;
        }

        (_tokens, _last) = (_tokens + 1, at);
        return Stopwatch.GetElapsedTime(_from, at) < length;
    }
}
