using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VAI.Native.Abi;
using VAI.Native.Interop;

namespace VAI.Native.Tests.Interop;

/// <summary>The imports against what the loaded libraries export.</summary>
public sealed class ImportTests
{
    /// <summary>The manifest beside the imports lists them, so that a change of what VAI calls shows in a review.</summary>
    [Fact]
    public void Every_import_is_exported_and_listed()
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        string[] imported = [.. Imports(typeof(LlamaNative)).Concat(Imports(typeof(GgmlNative))).Distinct().Order(StringComparer.Ordinal)];
        string[] files = [.. Directory.GetFiles(library.Directory, "lib*.so").Where(f => Path.GetFileName(f) is var n
            && (n.StartsWith("libllama.", StringComparison.Ordinal) || n.StartsWith("libggml.", StringComparison.Ordinal)
                || n == "libggml-base.so"))];
        Assert.Equal(3, files.Length);
        nint[] handles = [.. files.Select(NativeLibrary.Load)];
        foreach (string name in imported)
            Assert.True(handles.Any(h => NativeLibrary.TryGetExport(h, name, out _)), $"{name} is not exported");
        string[] listed = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "imports.txt"));
        Assert.True(
            listed.SequenceEqual(imported),
            $"src/VAI.Native/Interop/imports.txt lacks [{string.Join(", ", imported.Except(listed))}], lists what is not imported [{string.Join(", ", listed.Except(imported))}], or is not in order.");
    }

    [Fact]
    public void Structs_have_the_size_and_offsets_of_llama_h()
    {
        Assert.Equal(56, Unsafe.SizeOf<llama_batch>());
        Assert.Equal(
            [0, 8, 16, 24, 32, 40, 48],
            new[] { "n_tokens", "token", "embd", "pos", "n_seq_id", "seq_id", "logits" }.Select(f => (int)Marshal.OffsetOf<llama_batch>(f)));
        Assert.Equal(1, Unsafe.SizeOf<llama_sampler_chain_params>());
        Assert.Equal(256, Unsafe.SizeOf<ParamsBlob>());
    }

    // The generator leaves an inner function called __PInvoke beside each marshalled import: its owner's name counts.
    private static IEnumerable<string> Imports(Type type) => type
        .GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
        .Select(m => m.Name)
        .Where(n => n.StartsWith("llama_", StringComparison.Ordinal) || n.StartsWith("ggml_", StringComparison.Ordinal)
            || n.StartsWith("gguf_", StringComparison.Ordinal));
}
