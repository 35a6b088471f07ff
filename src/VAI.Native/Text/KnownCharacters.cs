using System.Globalization;
using System.Text;
using VAI.Native.Llama;

namespace VAI.Native.Text;

/// <summary>The characters that a vocabulary has tokens for, and the bytes of all others. Immutable, thread-safe.</summary>
internal sealed class KnownCharacters
{
    private const int EscapedSpace = 0x2581;

    private readonly HashSet<int> _characters = [];
    private readonly bool[] _bytes = new bool[256];

    public KnownCharacters(LlamaVocab vocab)
    {
        for (int token = 0; token < vocab.Count; token++)
        {
            string text = vocab.Text(token);
            if (text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>'
                && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
                && !text.AsSpan(3, 2).ContainsAnyInRange('a', 'f'))
            {
                _bytes[value] = true;
            }
            else if (text.Length is 1 or 2 && Rune.TryGetRuneAt(text, 0, out Rune rune) && rune.Utf16SequenceLength == text.Length)
            {
                _characters.Add(rune.Value);
            }
        }
    }

    /// <summary>Whether any text at all can be spelt by them.</summary>
    public bool SpellAll
    {
        get
        {
            for (int value = 0; value <= 0xF4; value++)
            {
                // No text has the two as UTF-8.
                if (!_bytes[value] && value is not (0xC0 or 0xC1) && (value >= 0x80 || !_characters.Contains(value)))
                    return false;
            }

            return true;
        }
    }

    /// <summary>Whether there is a token for a character alone.</summary>
    public bool Contains(Rune character) => _characters.Contains(character.Value == ' ' ? EscapedSpace : character.Value);

    /// <summary>The first character that they cannot spell, or the space that is put before a text.</summary>
    public Rune? FindUnknown(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
            return null;
        if (!CanSpell(new Rune(' ')))
            return new Rune(EscapedSpace);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (!CanSpell(rune))
                return rune;
        }

        return null;
    }

    private bool CanSpell(Rune rune)
    {
        if (Contains(rune))
            return true;
        Span<byte> bytes = stackalloc byte[4];
        int length = new Rune(rune.Value == ' ' ? EscapedSpace : rune.Value).EncodeToUtf8(bytes);
        foreach (byte value in bytes[..length])
        {
            if (!_bytes[value])
                return false;
        }

        return true;
    }
}
