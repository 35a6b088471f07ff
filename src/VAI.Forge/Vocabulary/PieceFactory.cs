namespace VAI.Forge.Vocabulary;

/// <summary>A piece of text, and the two known pieces it is joined from.</summary>
internal readonly record struct Piece(string Left, string Right)
{
    public string Text => Left + Right;
}

/// <summary>
/// Yields different pieces of text, each the join of two earlier ones or of single characters: what byte-pair merges
/// and SentencePiece both need to reach a token at all. A space stands at the start of those that begin a word.
/// </summary>
internal static class PieceFactory
{
    // Steps through the syllables out of order; prime to their number.
    private const int Stride = 1009;

    public static IEnumerable<Piece> Pieces()
    {
        var seen = new HashSet<string>();
        return Candidates().Where(piece => seen.Add(piece.Text));
    }

    private static IEnumerable<Piece> Candidates() =>
        Lexicon.Words.SelectMany(word => Folded(" " + word))
            .Concat(Lexicon.Marks.SelectMany(Folded))
            .Concat(Lexicon.Words.SelectMany(Folded))
            .Concat(Lexicon.Words.SelectMany(word => Folded(char.ToUpperInvariant(word[0]) + word[1..])))
            .Concat(Lexicon.Syllables.SelectMany(Folded))
            .Concat(Lexicon.Syllables.SelectMany(syllable => Folded(" " + syllable)))
            .Concat(Joined());

    /// <summary>Every prefix of two characters or more.</summary>
    private static IEnumerable<Piece> Folded(string text) =>
        Enumerable.Range(1, text.Length - 1).Select(length => new Piece(text[..length], text[length..(length + 1)]));

    private static IEnumerable<Piece> Joined()
    {
        IReadOnlyList<string> all = Lexicon.Syllables;
        for (int round = 1; round < all.Count; round++)
        {
            for (int i = 0; i < all.Count; i++)
            {
                string right = all[(int)((((long)i * Stride) + round) % all.Count)];
                yield return new Piece(round % 2 == 0 ? all[i] : " " + all[i], right);
            }
        }
    }
}
