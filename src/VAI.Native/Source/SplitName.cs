using System.Globalization;
using System.Text.RegularExpressions;

namespace VAI.Native.Source;

/// <summary>The name of one part of a model: <c>PREFIX-00001-of-00003.gguf</c>, as llama.cpp writes and looks for it.</summary>
/// <param name="Prefix">The path up to the numbers.</param>
/// <param name="Number">Which part it is, from 1 on; as written, which may be more than there are.</param>
/// <param name="Count">How many there are.</param>
internal readonly partial record struct SplitName(string Prefix, int Number, int Count)
{
    /// <summary>Whether the name says that there are several parts.</summary>
    public bool IsPart => Count > 1;

    /// <summary>Reads a file's name.</summary>
    /// <returns>Null if it is not a part's.</returns>
    public static SplitName? Of(string path) => Numbers().Match(path) is { Success: true } m
        ? new SplitName(path[..m.Index], int.Parse(m.Groups[1].ValueSpan, CultureInfo.InvariantCulture), int.Parse(m.Groups[2].ValueSpan, CultureInfo.InvariantCulture))
        : null;

    /// <summary>The path of a part.</summary>
    public string PathOf(int number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}-{number:D5}-of-{Count:D5}.gguf");

    /// <summary>All files of the model whose first part this path names; of any other path, that alone.</summary>
    public static IEnumerable<string> Files(string path) => Of(path) is { Number: 1, IsPart: true } name
        ? [path, .. Enumerable.Range(2, Math.Min(name.Count, GgufSplit.MaxParts) - 1).Select(name.PathOf)]
        : [path];

    /// <summary>Whether a model goes by this file: it is whole, or its first part.</summary>
    public static bool IsFirst(string path) => Of(path) is not { IsPart: true, Number: > 1 };

    /// <summary>A file's own name, without what says that it is a GGUF and which part.</summary>
    public static string StemOf(string path) => Path.GetFileNameWithoutExtension(Of(path) is { } name ? name.Prefix + ".gguf" : path);

    [GeneratedRegex(@"-([0-9]{5})-of-([0-9]{5})\.gguf\z", RegexOptions.CultureInvariant)]
    private static partial Regex Numbers();
}
