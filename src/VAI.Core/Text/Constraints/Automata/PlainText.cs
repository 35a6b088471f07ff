namespace VAI.Text.Constraints.Automata;

/// <summary>Characters that any string has as they stand, whoever writes it, and that begin no mark behind one.</summary>
internal static class PlainText
{
    public static bool Has(int c) => c is >= 0x20 and not ('"' or '\'' or '\\' or '<' or 0x7F);
}
