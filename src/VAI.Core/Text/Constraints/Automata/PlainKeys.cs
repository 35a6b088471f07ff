namespace VAI.Text.Constraints.Automata;

/// <summary>Keys that no schema names, where keys are no JSON strings: words that no mark of any format is a part of.</summary>
internal static class PlainKeys
{
    public const string Pattern = "[a-zA-Z_][a-zA-Z0-9_-]{0,63}";

    public static bool Has(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-';
}
