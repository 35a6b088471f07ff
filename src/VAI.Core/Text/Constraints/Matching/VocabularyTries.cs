using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using VAI.Native.Llama;
using VAI.Native.Rom;
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

    // Of what is written.
    private const int Version = 1;

    private static readonly ConditionalWeakTable<LlamaVocab, Lazy<VocabularyTries>> Known = [];
    private static readonly ConditionalWeakTable<LlamaVocab, RomFile> Roms = [];

    private readonly ulong[][] _plain;

    private VocabularyTries(TokenTrie all, TokenTrie rest, ulong[] ends, ulong[][] plain) => (All, Rest, Ends, _plain) = (all, rest, ends, plain);

    /// <summary>Words of a mask.</summary>
    public int Words => Ends.Length;

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

    /// <summary>Whether they were read where another had left them, and not built.</summary>
    public bool WereKept { get; private init; }

    /// <summary>A vocabulary's, which are made once: read beside its ROM, or built and left there for all others.</summary>
    public static VocabularyTries Of(LlamaVocab vocab) => Known.GetValue(vocab, static v => new Lazy<VocabularyTries>(() => Make(v))).Value;

    /// <summary>Says where a vocabulary's are kept.</summary>
    /// <param name="vocab">The vocabulary.</param>
    /// <param name="rom">The ROM that it is of, held as long as the model is there.</param>
    public static void KeepBeside(LlamaVocab vocab, RomFile rom) => Roms.AddOrUpdate(vocab, rom);

    /// <summary>Plain tokens of no more than so many characters.</summary>
    public ReadOnlySpan<ulong> Plain(int chars) => _plain[Math.Min(chars, MostCounted)];

    private static VocabularyTries Make(LlamaVocab vocab)
    {
        if (!Roms.TryGetValue(vocab, out RomFile? rom))
            return Build(vocab);
        if (RomVocabulary.Read(rom, Version) is { } kept && TryRead(kept, vocab.Count) is { } read)
            return read;
        VocabularyTries built = Build(vocab);
        var block = new BlockWriter();
        built.Write(block);
        RomVocabulary.Leave(rom, Version, block.Written);
        return built;
    }

    private static VocabularyTries Build(LlamaVocab vocab)
    {
        int words = (vocab.Count + 63) / 64;
        var pieces = new TokenPieces(vocab, special: false);
        var all = new List<(int, byte[])>(vocab.Count);
        var rest = new List<(int, byte[])>();
        ulong[] ends = new ulong[words];
        ulong[][] plain = [.. Enumerable.Range(0, MostCounted + 1).Select(_ => new ulong[words])];
        for (int token = 0; token < vocab.Count; token++)
        {
            if (vocab.IsEndOfGeneration(token))
                ends[token >> 6] |= 1UL << token;
            TokenAttributes attributes = vocab.Attributes(token);
            if ((attributes & (TokenAttributes.Control | TokenAttributes.Unknown | TokenAttributes.Unused)) != 0 || vocab.IsEndOfGeneration(token))
                continue;
            byte[] bytes = pieces.Of(token).ToArray();
            if (bytes.Length is 0 or > ushort.MaxValue)
                continue;
            all.Add((token, bytes));
            int chars = PlainChars(bytes);
            if (chars is > 0 and <= MostCounted)
                plain[chars][token >> 6] |= 1UL << token;
            else
                rest.Add((token, bytes));
        }

        // Those of no more than so many characters.
        for (int chars = 1; chars <= MostCounted; chars++)
        {
            for (int word = 0; word < words; word++)
                plain[chars][word] |= plain[chars - 1][word];
        }

        return new VocabularyTries(TokenTrie.Build(all, vocab.Count), TokenTrie.Build(rest, vocab.Count), ends, plain);
    }

    private static VocabularyTries? TryRead(byte[] kept, int vocabulary)
    {
        try
        {
            var block = new BlockReader(kept);
            ulong[] ends = block.Read<ulong>();
            ulong[][] plain = new ulong[MostCounted + 1][];
            for (int chars = 0; chars < plain.Length; chars++)
                plain[chars] = block.Read<ulong>();
            var read = new VocabularyTries(TokenTrie.Read(ref block), TokenTrie.Read(ref block), ends, plain) { WereKept = true };
            return ends.Length == (vocabulary + 63) / 64 ? read : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private void Write(BlockWriter block)
    {
        block.Write<ulong>(Ends);
        foreach (ulong[] plain in _plain)
            block.Write<ulong>(plain);
        All.Write(block);
        Rest.Write(block);
    }

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
