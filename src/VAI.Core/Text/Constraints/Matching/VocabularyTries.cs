using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using VAI.Native.Llama;
using VAI.Native.Text;
using VAI.Text.Constraints.Automata;

namespace VAI.Text.Constraints.Matching;

/// <summary>
/// A vocabulary as constraints look at it: all its text tokens, those that are not plain, and the plain ones by their length. What is plain is a part of
/// any string as it stands, and begins no mark that ends one (<see cref="PlainText"/>), so that within a long string only the others are looked at.
/// Immutable, thread-safe.
/// </summary>
internal sealed class VocabularyTries
{
    /// <summary>Characters of the longest plain ones; longer ones are looked at one by one.</summary>
    public const int MostCounted = 24;

    private static readonly ConditionalWeakTable<LlamaVocab, Lazy<VocabularyTries>> Known = [];

    private readonly ulong[][] _plain;

    private VocabularyTries(LlamaVocab vocab)
    {
        Words = (vocab.Count + 63) / 64;
        var pieces = new TokenPieces(vocab, special: false);
        var all = new List<(int, byte[])>(vocab.Count);
        var rest = new List<(int, byte[])>();
        List<int>[] plain = [.. Enumerable.Range(0, MostCounted + 1).Select(_ => new List<int>())];
        Ends = new ulong[Words];
        for (int token = 0; token < vocab.Count; token++)
        {
            if (vocab.IsEndOfGeneration(token))
                Ends[token >> 6] |= 1UL << token;
            TokenAttributes attributes = vocab.Attributes(token);
            if ((attributes & (TokenAttributes.Control | TokenAttributes.Unknown | TokenAttributes.Unused)) != 0 || vocab.IsEndOfGeneration(token))
                continue;
            byte[] bytes = pieces.Of(token).ToArray();
            if (bytes.Length is 0 or > ushort.MaxValue)
                continue;
            all.Add((token, bytes));
            int chars = PlainChars(bytes);
            if (chars is > 0 and <= MostCounted)
                plain[chars].Add(token);
            else
                rest.Add((token, bytes));
        }

        All = new TokenTrie(all, vocab.Count);
        Rest = new TokenTrie(rest, vocab.Count);
        _plain = new ulong[MostCounted + 1][];
        _plain[0] = new ulong[Words];
        for (int chars = 1; chars <= MostCounted; chars++)
        {
            _plain[chars] = [.. _plain[chars - 1]];
            foreach (int token in plain[chars])
                _plain[chars][token >> 6] |= 1UL << token;
        }
    }

    /// <summary>Words of a mask.</summary>
    public int Words { get; }

    /// <summary>All tokens that are text.</summary>
    public TokenTrie All { get; }

    /// <summary>Those that are not among the plain ones.</summary>
    public TokenTrie Rest { get; }

    /// <summary>Those that end a sequence.</summary>
    public ulong[] Ends { get; }

    /// <summary>Whether a token is one of them.</summary>
    public bool IsEnd(int token) => (Ends[token >> 6] >> token & 1) != 0;

    /// <summary>Whether there is one.</summary>
    public bool HasEnd => Ends.AsSpan().ContainsAnyExcept(0UL);

    /// <summary>A vocabulary's, which are made once.</summary>
    public static VocabularyTries Of(LlamaVocab vocab) => Known.GetValue(vocab, static v => new Lazy<VocabularyTries>(() => new VocabularyTries(v))).Value;

    /// <summary>Plain tokens of no more than so many characters.</summary>
    public ReadOnlySpan<ulong> Plain(int chars) => _plain[Math.Min(chars, MostCounted)];

    // Its characters, where they are whole and plain; else 0.
    private static int PlainChars(ReadOnlySpan<byte> bytes)
    {
        int chars = 0;
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int used) != OperationStatus.Done || !PlainText.Has(rune.Value))
                return 0;
            bytes = bytes[used..];
            chars++;
        }

        return chars;
    }
}
