using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Automata.Tables;

namespace VAI.Text.Constraints.Schemas;

/// <summary>Decimal numbers that are multiples of another: by the remainder of what was read.</summary>
internal static class Multiples
{
    /// <param name="digits">Digits of the number as an integer.</param>
    /// <param name="fraction">How many of them stand behind the point.</param>
    /// <param name="fuel">What it may cost.</param>
    public static Automaton Of(int digits, int fraction, Fuel fuel)
    {
        const int Else = 0, Sign = 1, Point = 2, Zero = 3;
        var alphabet = new Alphabet(
            [0, '-', '.', '/', .. Enumerable.Range('0', 11), CharSet.FirstSurrogate, CharSet.BehindSurrogates],
            [Else, Sign, Point, Else, .. Enumerable.Range(Zero, 10), Else, -1, Else], Zero + 10);
        var table = new TableBuilder(alphabet, fuel);

        // States: the start; the remainder before the point; behind it by digits that were read; and zeros that follow.
        int whole = 1, behind = whole + digits, zeros = behind + (fraction * digits);
        int Behind(int read, int remainder) => read == fraction ? zeros : behind + (read * digits) + remainder;
        for (int value = 0; value < 10; value++)
            table.Edge(Zero + value, whole + (value % digits));
        table.Edge(Sign, 0);
        table.EndRow(Automaton.Dead, false);
        for (int remainder = 0; remainder < digits; remainder++)
        {
            for (int value = 0; value < 10; value++)
                table.Edge(Zero + value, whole + (((remainder * 10) + value) % digits));
            if (fraction > 0)
                table.Edge(Point, behind + remainder);
            else if (remainder == 0)
                table.Edge(Point, zeros);
            table.EndRow(Automaton.Dead, Scaled(remainder, fraction));
        }

        for (int read = 0; read < fraction; read++)
        {
            for (int remainder = 0; remainder < digits; remainder++)
            {
                for (int value = 0; value < 10; value++)
                {
                    int next = ((remainder * 10) + value) % digits;
                    if (read + 1 < fraction || next == 0)
                        table.Edge(Zero + value, Behind(read + 1, next));
                }

                table.EndRow(Automaton.Dead, read > 0 && Scaled(remainder, fraction - read));
            }
        }

        table.Edge(Zero, zeros);
        table.EndRow(Automaton.Dead, true);
        return Shrinking.Finish(table.Build(), fuel);

        // Whether what was read is a multiple as it stands.
        bool Scaled(int remainder, int places)
        {
            long value = remainder;
            for (int i = 0; i < places; i++)
                value = value * 10 % digits;
            return value == 0;
        }
    }
}
