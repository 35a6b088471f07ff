namespace VAI.Text.Constraints.Automata.Patterns;

/// <summary>Sets of code points that ECMA-262 names by a letter.</summary>
internal static class NamedSets
{
    public static CharSet Digit { get; } = CharSet.Range('0', '9');

    public static CharSet Word { get; } = CharSet.OfRanges([new('a', 'z'), new('A', 'Z'), new('0', '9'), new('_', '_')]);

    public static CharSet LineEnd { get; } = CharSet.Of('\n', '\r', 0x2028, 0x2029);

    /// <summary>White space and line ends.</summary>
    public static CharSet Space { get; } = CharSet.OfRanges(
        [new('\t', '\r'), new(' ', ' '), new(0xA0, 0xA0), new(0x1680, 0x1680), new(0x2000, 0x200A), new(0x2028, 0x2029), new(0x202F, 0x202F),
            new(0x205F, 0x205F), new(0x3000, 0x3000), new(0xFEFF, 0xFEFF)]);

    public static CharSet Dot { get; } = LineEnd.Complement();

    /// <summary>By the letter of an escape; null where it is none of these.</summary>
    public static CharSet? Find(char letter) => letter switch
    {
        'd' => Digit,
        'D' => NotDigit,
        'w' => Word,
        'W' => NotWord,
        's' => Space,
        'S' => NotSpace,
        _ => null,
    };

    private static CharSet NotDigit { get; } = Digit.Complement();

    private static CharSet NotWord { get; } = Word.Complement();

    private static CharSet NotSpace { get; } = Space.Complement();
}
