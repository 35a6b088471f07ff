using System.Text;
using VAI.Native.Llama;
using VAI.Pipeline.Steps;

namespace VAI.Text;

/// <summary>A few characters of a log around one of its entries, for people.</summary>
internal static class TextAround
{
    private const int MostCharacters = 40;

    // What is left of a character that was cut, or that a token has a part of.
    private const char Broken = '\uFFFD';

    public static (string Before, string After) Of(LlamaVocab vocab, ReadOnlySpan<int> log, int at)
    {
        var pieces = new TokenPieces(vocab, special: true);
        int from = at, to = at, bytes = 0;
        while (from > 0 && bytes < MostCharacters)
            bytes += pieces.Of(Schedule.Id(log[--from])).Length;
        for (bytes = 0; to < log.Length && bytes < MostCharacters; to++)
            bytes += pieces.Of(Schedule.Id(log[to])).Length;
        string before = Text(pieces, log[from..at]), after = Text(pieces, log[at..to]);
        int start = Math.Max(0, before.Length - MostCharacters), end = Math.Min(after.Length, MostCharacters);
        if (start > 0 && char.IsLowSurrogate(before[start]))
            start++;
        if (end < after.Length && char.IsLowSurrogate(after[end]))
            end--;
        return (before[start..].Trim(Broken), after[..end].Trim(Broken));
    }

    private static string Text(TokenPieces pieces, ReadOnlySpan<int> entries)
    {
        var bytes = new List<byte>();
        foreach (int entry in entries)
            bytes.AddRange(pieces.Of(Schedule.Id(entry)));
        return Encoding.UTF8.GetString([.. bytes]);
    }
}
