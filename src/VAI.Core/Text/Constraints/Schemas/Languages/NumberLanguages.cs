using System.Numerics;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Schemas;

/// <summary>How numbers are written (RFC 8259, section 6) that are integers, within bounds, or multiples of another.</summary>
internal sealed class NumberLanguages(KnownLanguages known, Fuel fuel)
{
    // What an integer of 64 bits and a double have for sure, so that whoever reads the answer can hold it.
    private const string Whole = "(0|[1-9][0-9]{0,17})", Fraction = "(\\.[0-9]{1,17})";
    private const int MostMultiple = 20_000;

    public static Automaton Integer => KnownLanguages.Ours($"-?{Whole}");

    public static Automaton Number => KnownLanguages.Ours($"-?{Whole}{Fraction}?([eE][-+]?[0-9]{{1,2}})?");

    /// <summary>Without exponents, of which bounds cannot be told digit by digit.</summary>
    public static Automaton Plain => KnownLanguages.Ours($"-?{Whole}{Fraction}?");

    public Automaton Pattern(string pattern) => known.Pattern(pattern, search: false, fuel);

    /// <summary>What is no less than a bound.</summary>
    /// <param name="bound">The bound.</param>
    /// <param name="exclusive">Whether it is out itself.</param>
    public Automaton AtLeast(Decimal bound, bool exclusive)
    {
        if (bound.Digits.Sign <= 0 && !(bound.Digits.IsZero && exclusive))
            return Pattern(bound.Digits.IsZero ? Above(bound, false) : $"{Above(default, false)}|-({Below(bound, exclusive)})");
        return Pattern(Above(bound, exclusive));
    }

    /// <summary>What is no more than a bound.</summary>
    public Automaton AtMost(Decimal bound, bool exclusive)
    {
        if (bound.Digits.Sign < 0)
            return Pattern($"-({Above(bound, exclusive)})");
        string negative = $"-({Above(default, true)})";
        return Pattern(bound.Digits.IsZero && exclusive ? negative : $"{negative}|{Below(bound, exclusive)}");
    }

    /// <summary>The multiples of a number.</summary>
    public Automaton MultiplesOf(Decimal number)
    {
        // Of a power of ten it is what stands behind the point.
        BigInteger digits = BigInteger.Abs(number.Digits);
        string most = number.Fraction == 0 ? "" : $"(\\.[0-9]{{1,{number.Fraction}}}0{{0,17}})?";
        if (digits.IsOne)
            return Pattern($"-?{Whole}{most}");
        if (digits > MostMultiple)
            throw new ConstraintTooLarge($"a multiple has more than {MostMultiple} remainders");
        return Multiples.Of((int)digits, number.Fraction, fuel).Intersect(Plain, fuel);
    }

    // Texts of numbers that are not negative; of a negative bound its absolute value counts.
    private static string Above(Decimal bound, bool exclusive)
    {
        (string whole, string part) = bound.Parts;
        var ways = new List<string> { $"[1-9][0-9]{{{whole.Length},{Math.Max(whole.Length, 18)}}}{Fraction}?" };
        for (int i = 0; i < whole.Length; i++)
        {
            if (whole[i] < '9')
                ways.Add($"{whole[..i]}[{(char)(whole[i] + 1)}-9][0-9]{{{whole.Length - i - 1}}}{Fraction}?");
        }

        for (int i = 0; i < part.Length; i++)
        {
            if (part[i] < '9')
                ways.Add($"{whole}\\.{part[..i]}[{(char)(part[i] + 1)}-9][0-9]{{0,17}}");
        }

        string behind = part.Length == 0 ? $"{whole}" : $"{whole}\\.{part}";
        if (exclusive)
            ways.Add(part.Length == 0 ? $"{whole}\\.[0-9]{{0,16}}[1-9]" : $"{behind}[0-9]{{0,16}}[1-9]");
        else
            ways.Add(part.Length == 0 ? $"{whole}{Fraction}?" : $"{behind}[0-9]{{0,17}}");
        return string.Join('|', ways);
    }

    private static string Below(Decimal bound, bool exclusive)
    {
        (string whole, string part) = bound.Parts;
        var ways = new List<string>();
        if (whole.Length > 1)
            ways.Add($"(0|[1-9][0-9]{{0,{whole.Length - 2}}}){Fraction}?");
        for (int i = 0; i < whole.Length; i++)
        {
            char least = i == 0 && whole.Length > 1 ? '1' : '0';
            if (whole[i] > least)
                ways.Add($"{whole[..i]}[{least}-{(char)(whole[i] - 1)}][0-9]{{{whole.Length - i - 1}}}{Fraction}?");
        }

        if (part.Length > 0)
        {
            ways.Add($"{whole}(\\.0{{1,17}})?");
            for (int i = 0; i < part.Length; i++)
            {
                if (part[i] > '0')
                    ways.Add($"{whole}\\.{part[..i]}[0-{(char)(part[i] - 1)}][0-9]{{0,17}}");
                if (i > 0)
                    ways.Add($"{whole}\\.{part[..i]}");
            }
        }

        if (!exclusive)
            ways.Add(part.Length == 0 ? $"{whole}(\\.0{{1,17}})?" : $"{whole}\\.{part}0{{0,17}}");
        return ways.Count == 0 ? "[^\\s\\S]" : string.Join('|', ways);
    }
}
