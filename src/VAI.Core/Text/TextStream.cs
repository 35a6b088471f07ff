using System.Text;

namespace VAI.Text;

/// <summary>
/// Turns the bytes of tokens into text that can be shown as it comes: whole characters only, and nothing that may turn out
/// to be a part of a stop string. Allocates nothing but the strings it returns.
/// </summary>
internal sealed class TextStream
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly string[] _stops;
    private char[] _held = new char[64];
    private int _count;

    public TextStream(IReadOnlyList<string>? stops) => _stops = stops is null ? [] : [.. stops];

    /// <summary>Whether a stop string has appeared. Nothing comes after it.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Whether the bytes so far end with a whole character.</summary>
    public bool IsWhole => _decoder.GetCharCount([], flush: true) == 0;

    /// <summary>Takes a token's bytes and returns the text that is now certain.</summary>
    public string Append(ReadOnlySpan<byte> bytes)
    {
        if (Stopped)
            return "";
        Decode(bytes, flush: false);
        return Release(final: false);
    }

    /// <summary>The rest: what was held back, and U+FFFD for a character that was never completed.</summary>
    public string Finish()
    {
        if (Stopped)
            return "";
        Decode([], flush: true);
        return Release(final: true);
    }

    private void Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        // A byte gives at most one char, and up to three bytes wait in the decoder.
        int room = _count + bytes.Length + 4;
        if (_held.Length < room)
            Array.Resize(ref _held, Math.Max(room, _held.Length * 2));
        _count += _decoder.GetChars(bytes, _held.AsSpan(_count), flush);
    }

    private string Release(bool final)
    {
        ReadOnlySpan<char> held = _held.AsSpan(0, _count);
        int end = _count;
        int stop = FirstStop(held);
        if (stop >= 0)
        {
            Stopped = true;
            end = stop;
        }
        else if (!final)
        {
            end -= OpenLength(held);
        }

        if (end == 0 && !Stopped)
            return "";
        string text = end == 0 ? "" : new string(_held, 0, end);
        int rest = Stopped ? 0 : _count - end;
        Array.Copy(_held, end, _held, 0, rest);
        _count = rest;
        return text;
    }

    private int FirstStop(ReadOnlySpan<char> held)
    {
        int first = -1;
        foreach (string stop in _stops)
        {
            int at = held.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first))
                first = at;
        }

        return first;
    }

    /// <summary>The length of the longest end of the text that begins a stop string.</summary>
    private int OpenLength(ReadOnlySpan<char> held)
    {
        int open = 0;
        foreach (string stop in _stops)
        {
            for (int length = Math.Min(stop.Length - 1, held.Length); length > open; length--)
            {
                if (held.EndsWith(stop.AsSpan(0, length), StringComparison.Ordinal))
                    open = length;
            }
        }

        return open;
    }
}
