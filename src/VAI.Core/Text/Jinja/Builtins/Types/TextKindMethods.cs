using System.Globalization;
using VAI.Text.Jinja.Builtins.Texts;

namespace VAI.Text.Jinja.Builtins.Types;

/// <summary>Methods of strings that ask for kinds of characters, or change their case.</summary>
internal static class TextKindMethods
{
    public static IEnumerable<Builtin> All =>
    [
        Change("upper", PythonCase.Upper),
        Change("lower", PythonCase.Lower),
        Change("casefold", text => PythonCase.Lower(text).Replace("ß", "ss", StringComparison.Ordinal).Replace('ς', 'σ')),
        Change("capitalize", PythonCase.Capitalize),
        Change("title", PythonCase.Title),
        Change("swapcase", PythonCase.Swap),
        Ask("isupper", text => PythonCase.Is(text, upper: true)),
        Ask("islower", text => PythonCase.Is(text, upper: false)),
        Ask("istitle", PythonCase.IsTitle),
        Ask("isspace", text => text.Length > 0 && text.All(PythonCase.IsSpace)),
        Ask("isascii", text => text.All(char.IsAscii)),
        Ask("isalpha", text => PythonCase.All(text, (_, kind) => IsLetter(kind))),
        Ask("isalnum", text => PythonCase.All(text, (_, kind) => IsLetter(kind) || IsNumber(kind))),
        Ask("isdigit", text => PythonCase.All(text, (at, _) => CharUnicodeInfo.GetDigitValue(text, at) >= 0)),
        Ask("isdecimal", text => PythonCase.All(text, (_, kind) => kind == UnicodeCategory.DecimalDigitNumber)),
        Ask("isnumeric", text => PythonCase.All(text, (at, kind) => IsNumber(kind) || CharUnicodeInfo.GetNumericValue(text, at) != -1)),
        Ask("isidentifier", text => PythonCase.All(text, (at, kind) => text[at] == '_' || IsLetter(kind) || kind == UnicodeCategory.LetterNumber
            || (at > 0 && kind is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.ConnectorPunctuation))),
        Ask("isprintable", text => text.Length == 0 || PythonCase.All(text, (at, kind) => text[at] == ' ' || kind is not (UnicodeCategory.Control
            or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator))),
    ];

    private static Builtin Change(string name, Func<string, string> change) => new(name, [], (run, self, a) =>
    {
        run.Budget.Read(self.String.Length);
        string changed = change(self.String);
        run.Budget.Write(changed.Length);
        return self.Become(changed);
    });

    private static Builtin Ask(string name, Func<string, bool> ask) => new(name, [], (run, self, a) =>
    {
        run.Budget.Read(self.String.Length);
        return ask(self.String);
    });

    private static bool IsLetter(UnicodeCategory kind) => kind is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter
        or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter;

    private static bool IsNumber(UnicodeCategory kind) =>
        kind is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;
}
