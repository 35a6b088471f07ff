using System.Text;
using VAI.Native.Llama;

namespace VAI.Native.Text;

/// <summary>
/// The tokens of a text of any length and kind, made piece by piece: each step takes little time and a bounded stack. Not
/// thread-safe.
/// </summary>
internal sealed class TextTokens
{
    /// <summary>Stack that a step needs at most, in bytes: 352 for each character of the longest piece, and as much again.</summary>
    public const int StackBytes = 24 << 20;

    private const int MaxPieceBytes = 512;

    // Characters that two windows share: enough for tokens to fall into step again, in words of any language.
    private static readonly int[] Overlaps = [256, 32, 4096];

    private readonly LlamaVocab _vocab;
    private readonly string _text;
    private readonly bool _parseSpecial;
    private readonly TextCutter _cutter;
    private readonly int[] _back;
    private readonly List<int> _tokens;
    private int _at;
    private Joint _joint;

    /// <param name="vocab">The vocabulary.</param>
    /// <param name="text">At most <see cref="LlamaVocab.MaxTextBytes"/> as UTF-8.</param>
    /// <param name="addSpecial">As for <see cref="LlamaVocab.Tokenize"/>.</param>
    /// <param name="parseSpecial">As for <see cref="LlamaVocab.Tokenize"/>.</param>
    /// <param name="pieceChars">Characters of a piece where there is a choice; null for what suits the tokenizer.</param>
    public TextTokens(LlamaVocab vocab, string text, bool addSpecial, bool parseSpecial, int? pieceChars = null)
    {
        _vocab = vocab;
        _text = text;
        _parseSpecial = parseSpecial;
        _cutter = new TextCutter(pieceChars is { } chars ? vocab.Kind with { PieceChars = chars } : vocab.Kind, vocab.Specials(parseSpecial));
        (int[] front, _back) = addSpecial ? vocab.Affixes : ([], []);
        _tokens = [.. front];
    }

    /// <summary>The tokens so far; all of them after the last step. Of those at the end some may still become others.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Tokenizes the next piece.</summary>
    /// <returns>Whether there is another.</returns>
    public bool Step()
    {
        Joint joint = _joint;
        int start = _at;
        _at = _cutter.Next(_text, start, out _joint);
        if (start > 0 && joint == Joint.Agreed)
            Join(start);
        else
            Append(start, joint);
        if (_at < _text.Length)
            return true;
        _tokens.AddRange(_back);
        return false;
    }

    /// <summary>Whatever it takes, on this thread.</summary>
    public int[] ToEnd()
    {
        while (Step())
        {
        }

        return [.. _tokens];
    }

    private void Append(int start, Joint joint)
    {
        // A window of its own is begun with a space by some tokenizers: that of the text is then one too many.
        bool space = joint != Joint.Exact && _vocab.Kind.Joins && start > 0 && _text[start] == ' ' && start + 1 < _at && _vocab.AddsSpace;
        _tokens.AddRange(Window(space ? start + 1 : start));
    }

    // Merges and longest matches that two windows have in common are those of the text, as is then what stands before in the
    // first and behind in the second: what is merged, and when, follows from nothing else than what lies between two cuts
    // that nothing is merged across.
    private void Join(int cut)
    {
        foreach (int overlap in Overlaps)
        {
            int start = Math.Max(0, cut - overlap);
            if (TextCutter.IsInPair(_text, start))
                start--;
            if (!_cutter.IsFree(_text.AsSpan(start, _at - start)))
                break;
            int[] window = Window(start);
            byte[] shared = Encoding.UTF8.GetBytes(_text, start, cut - start);
            Dictionary<int, (int Token, int Index)> before = Ends(shared);
            (int Old, int New) best = (-1, -1);
            int distance = int.MaxValue;
            foreach ((int end, int token, int index) in Starts(window, shared))
            {
                if (!before.TryGetValue(end, out (int Token, int Index) old) || old.Token != token || Math.Abs(end - (shared.Length / 2)) >= distance)
                    continue;
                distance = Math.Abs(end - (shared.Length / 2));
                best = (old.Index, index);
            }

            if (best.Old < 0)
                continue;
            _tokens.RemoveRange(best.Old + 1, _tokens.Count - best.Old - 1);
            _tokens.AddRange(window.AsSpan(best.New + 1));
            return;
        }

        Append(cut, Joint.Plain);
    }

    private int[] Window(int start) => _vocab.Tokenize(_text.AsSpan(start, _at - start), addSpecial: false, _parseSpecial);

    // Where the last tokens end, in bytes from the start of what is shared, as far back as their pieces are its bytes.
    private Dictionary<int, (int Token, int Index)> Ends(byte[] shared)
    {
        var ends = new Dictionary<int, (int, int)>();
        int end = shared.Length;
        Span<byte> buffer = stackalloc byte[MaxPieceBytes];
        for (int i = _tokens.Count - 1; i >= 0; i--)
        {
            ReadOnlySpan<byte> piece = Piece(_tokens[i], buffer);
            if (piece.IsEmpty)
                break;
            int length = TextSpaces.LengthAtEnd(shared.AsSpan(0, end), piece);
            if (length < 0)
            {
                if (i == 0 || !HasAddedSpace(piece, _tokens[i - 1]) || (length = TextSpaces.LengthAtEnd(shared.AsSpan(0, end), piece[1..])) < 0)
                    break;
                piece = piece[1..];
            }

            if (piece.IsEmpty)
                continue;
            ends[end] = (_tokens[i], i);
            end -= length;
        }

        return ends;
    }

    // The same of a window's first tokens.
    private List<(int End, int Token, int Index)> Starts(int[] window, byte[] shared)
    {
        var ends = new List<(int, int, int)>();
        int at = 0;
        Span<byte> buffer = stackalloc byte[MaxPieceBytes];
        for (int i = 0; i < window.Length; i++)
        {
            ReadOnlySpan<byte> piece = Piece(window[i], buffer);
            // Where both the text and the tokenizer have a space, the added one stands in front.
            bool added = i == 0 ? _vocab.AddsSpace && piece is [(byte)' ', ..] : HasAddedSpace(piece, window[i - 1]);
            if (added && (i == 0 || TextSpaces.LengthAtStart(shared.AsSpan(at), piece) < 0))
                piece = piece[1..];
            else if (piece.IsEmpty)
                break;
            int length = TextSpaces.LengthAtStart(shared.AsSpan(at), piece);
            if (length < 0)
                break;
            at += length;
            if (!piece.IsEmpty)
                ends.Add((at, window[i], i));
        }

        return ends;
    }

    private bool HasAddedSpace(ReadOnlySpan<byte> piece, int before) => _vocab.AddsSpace && piece is [(byte)' ', ..] && _vocab.IsSpecial(before);

    // Empty for a token without one, or with one too long to be worth comparing.
    private ReadOnlySpan<byte> Piece(int token, Span<byte> buffer) => buffer[..Math.Max(0, _vocab.Piece(token, buffer, special: true))];
}
