using System.Text;

namespace VAI.Native.Tests.Text;

/// <summary>Texts to tokenize.</summary>
internal static class SampleTexts
{
    private static readonly string[] Words = (
        "the and module clk reset assign always int value return if else for while begin end Hello World HELLO it's we'll don't I'm x y z a b "
        + "foo_bar fooBar HTTPServer \u65e5\u672c\u8a9e \u4e2d\u6587\u5b57\u7b26 \u3072\u3089\u304c\u306a \u30ab\u30bf\u30ab\u30ca \ud55c\uad6d\uc5b4 "
        + "\u0440\u0443\u0441\u0441\u043a\u0438\u0439 \u03b5\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac \u0627\u0644\u0639\u0631\u0628\u064a\u0629 "
        + "\u0928\u092e\u0938\u094d\u0924\u0947 123 4567 3.14 1,000,000 12a 99x <s> </s> <|user|> <|im_end|> <unk> e\u0301a \u0301\u0301 "
        + "\U0001F600 \U0001F600\U0001F600 --- ... == != (); {} [] \" ' `` <a> </a> \u0001 \0 \ud800 \udc00 aaaa abab ---- aaaaaaaaaaaa \uffe5 \uff61")
        .Split(' ');

    private static readonly string[] Gaps =
        [" ", " ", " ", " ", " ", " ", "\n", "\n\n", "\n    ", "  ", "\r\n", "\t", "", "", ", ", ". ", ".\n", "\u3001", "\u3002", "\uff01", "\u3000", "\u00a0", "(", ") "];

    /// <summary>Runs of one class of characters or of two by turns, each of about that many characters.</summary>
    public static IReadOnlyList<(string Name, Func<int, string> Make)> Runs { get; } =
    [
        Of("small letters", "a"), Of("capitals", "A"), Of("digits", "1"), Of("digits and a letter", "1111111111111111111111111111111x"),
        Of("punctuation", "-"), Of("spaces", " "), Of("newlines", "\n"), Of("line ends", "\r\n"), Of("spaces and newlines", " \n"),
        Of("Chinese", "\u4e2d"), Of("Japanese", "\u3042"), Of("Hangul", "\ud55c"), Of("Arabic", "\u0639"), Of("emoji", "\U0001F600"), Of("marks", "\u0301"),
        Of("marked letters", "e\u0301"), Of("control characters", "\u0001"), Of("NULs", "\0"), Of("high surrogates", "\ud800"), Of("low surrogates", "\udc00"),
        Of("words of a letter", "a "), Of("letters and punctuation", "a-"), Of("both cases", "aA"), Of("letters and digits", "1a"), Of("quotes", "-'"),
        Of("control tokens", "<s>"), Of("user's tokens", "<|user|>"), Of("half tokens", "<|user"), Of("no spaces", "Zm9vYmFyL2Jhei8+"),
    ];

    /// <summary>Words of many languages, control tokens, invalid surrogates and runs, mixed.</summary>
    public static string Mixed(Random random, int chars)
    {
        var text = new StringBuilder();
        int style = random.Next(5);
        while (text.Length < chars)
        {
            if (random.Next(200) == 0)
                text.Append("a1 -\n\u4e2d\u3042\u0301"[random.Next(8)], random.Next(200));
            (string word, string gap) = style switch
            {
                0 => (Words[random.Next(30)], Gaps[random.Next(7)]),
                1 => (((char)random.Next(0x4e00, 0x4f00)).ToString(), random.Next(12) == 0 ? "\u3002" : random.Next(200) == 0 ? "\n" : ""),
                2 => (((char)random.Next(0, 0x3100)).ToString(), random.Next(3) == 0 ? " " : ""),
                _ => (Words[random.Next(Words.Length)], Gaps[random.Next(Gaps.Length)]),
            };
            text.Append(word).Append(gap);
        }

        return text.ToString();
    }

    private static (string Name, Func<int, string> Make) Of(string name, string unit) =>
        (name, chars => string.Concat(Enumerable.Repeat(unit, chars / unit.Length)));
}
