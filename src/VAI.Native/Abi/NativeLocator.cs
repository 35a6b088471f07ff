using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace VAI.Native.Abi;

/// <summary>
/// Where llama.cpp's libraries may be, in order: an option, <c>VAI_LLAMA_DIR</c>, <c>runtimes/RID/native</c> beside the
/// application, a LLamaSharp backend's folders, the system's loader.
/// </summary>
internal static class NativeLocator
{
    public const string DirectoryVariable = "VAI_LLAMA_DIR";

    public static string RuntimeIdentifier =>
        "linux-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    /// <summary>The directories to try, each with the reason it is in the list.</summary>
    public static IEnumerable<(string Source, string Directory)> Candidates(string? option)
    {
        if (!string.IsNullOrEmpty(option))
        {
            // An explicit choice is the only one: falling back would hide a typing mistake.
            yield return ("option", Path.GetFullPath(option));
            yield break;
        }

        if (Environment.GetEnvironmentVariable(DirectoryVariable) is { Length: > 0 } variable)
        {
            yield return (DirectoryVariable, Path.GetFullPath(variable));
            yield break;
        }

        string native = Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeIdentifier, "native");
        yield return ("application", native);
        foreach (string variant in LLamaSharpVariants())
            yield return ("LLamaSharp", Path.Combine(native, variant));
        yield return ("application", AppContext.BaseDirectory);
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string directories)
        {
            foreach (string directory in directories.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
                yield return ("package", directory);
        }
    }

    /// <summary>The library of that stem in a directory: <c>libllama.so</c>, <c>libllama.v0.5.0.so</c>, <c>libllama.so.0</c>.</summary>
    public static string? Find(string directory, string stem)
    {
        if (!Directory.Exists(directory))
            return null;
        string plain = Path.Combine(directory, $"lib{stem}.so");
        if (File.Exists(plain))
            return plain;
        return Directory.EnumerateFiles(directory, $"lib{stem}.*")
            .Where(f => f.EndsWith(".so", StringComparison.Ordinal) || f.Contains(".so.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .LastOrDefault();
    }

    private static IEnumerable<string> LLamaSharpVariants()
    {
        yield return "cuda12";
        if (Avx512F.IsSupported)
            yield return "avx512";
        if (Avx2.IsSupported)
            yield return "avx2";
        if (Avx.IsSupported)
            yield return "avx";
        yield return "noavx";
    }
}
