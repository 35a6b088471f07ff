using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace VAI.Forge.Tests;

/// <summary>
/// Just enough llama.cpp to ask whether it takes a file: default parameters in oversized opaque blobs, nothing set.
/// </summary>
internal sealed unsafe partial class LlamaProbe : IDisposable
{
    private const string Llama = "llama";
    private const string Ggml = "ggml";

    private readonly nint _model;
    private readonly nint _context;
    private readonly nint _vocabulary;

    static LlamaProbe()
    {
        string folder = NativeFolder();
        NativeLibrary.SetDllImportResolver(typeof(LlamaProbe).Assembly, (name, _, _) =>
            NativeLibrary.Load(Directory.EnumerateFiles(folder, $"lib{name}.*").Order().First()));
        llama_log_set(&Ignore, 0);
        ggml_backend_load_all_from_path(folder);
        llama_backend_init();
    }

    /// <param name="file">The model.</param>
    /// <param name="contextLength">Tokens of its context.</param>
    public LlamaProbe(string file, int contextLength = 512)
    {
        _model = llama_model_load_from_file(file, llama_model_default_params());
        if (_model == 0)
            throw new InvalidOperationException($"llama.cpp does not load {file}");
        _vocabulary = llama_model_get_vocab(_model);
        Parameters parameters = llama_context_default_params();
        // n_ctx is the first of them.
        MemoryMarshal.Write(MemoryMarshal.CreateSpan(ref Unsafe.As<Parameters, byte>(ref parameters), sizeof(int)), contextLength);
        _context = llama_init_from_model(_model, parameters);
        // The default is four, which spin: far slower than one where cores are few or shared.
        llama_set_n_threads(_context, 1, 1);
    }

    public int VocabularySize => llama_vocab_n_tokens(_vocabulary);

    public static string NativeFolder() =>
        Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native", "vai");

    public void Dispose()
    {
        llama_free(_context);
        llama_model_free(_model);
    }

    public int[] Tokenize(string text, bool special = false)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int[] tokens = new int[bytes.Length + 8];
        int count = llama_tokenize(_vocabulary, bytes, bytes.Length, tokens, tokens.Length, special, special);
        return tokens[..count];
    }

    public string Detokenize(int[] tokens)
    {
        byte[] text = new byte[(tokens.Length * 64) + 64];
        int length = llama_detokenize(_vocabulary, tokens, tokens.Length, text, text.Length, true, false);
        return Encoding.UTF8.GetString(text, 0, length);
    }

    public bool IsControl(int token) => llama_vocab_is_control(_vocabulary, token);

    /// <summary>The logits after the prompt, from an empty context.</summary>
    public float[] Logits(int[] prompt)
    {
        llama_memory_clear(llama_get_memory(_context), true);
        return Continue(prompt);
    }

    /// <param name="prompt">The prompt.</param>
    /// <param name="count">How many tokens to make.</param>
    /// <param name="lead">How far the best has to be before the second, in logits.</param>
    public List<int> Greedy(int[] prompt, int count, float lead = 0)
    {
        var made = new List<int>();
        float[] logits = Logits(prompt);
        while (made.Count < count)
        {
            int best = Array.IndexOf(logits, logits.Max());
            float second = logits.Where((_, token) => token != best).Max();
            if (!(logits[best] - second >= lead))
                throw new InvalidOperationException($"token {made.Count}: {best} leads by {logits[best] - second} only");
            made.Add(best);
            logits = Continue([best]);
        }

        return made;
    }

    /// <summary>The pooled embedding of one sequence; the file must be an encoder's.</summary>
    public float[] Embed(int[] tokens)
    {
        llama_set_embeddings(_context, true);
        Check(Decode(tokens, encode: true));
        return new Span<float>((void*)llama_get_embeddings_seq(_context, 0), llama_model_n_embd(_model)).ToArray();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Ignore(int level, nint text, nint data)
    {
    }

    private static void Check(int code)
    {
        if (code != 0)
            throw new InvalidOperationException($"llama.cpp answered {code}");
    }

    private float[] Continue(int[] tokens)
    {
        Check(Decode(tokens, encode: false));
        return new Span<float>((void*)llama_get_logits_ith(_context, -1), VocabularySize).ToArray();
    }

    private int Decode(int[] tokens, bool encode)
    {
        fixed (int* pointer = tokens)
        {
            Batch batch = llama_batch_get_one(pointer, tokens.Length);
            return encode ? llama_encode(_context, batch) : llama_decode(_context, batch);
        }
    }

    [InlineArray(256)]
    private struct Parameters
    {
        private byte _first;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Batch
    {
        private readonly int _count;
        private readonly nint _token, _embd, _pos, _sequenceCount, _sequence, _logits;
    }

    [LibraryImport(Llama)]
    private static partial void llama_log_set(delegate* unmanaged[Cdecl]<int, nint, nint, void> callback, nint data);

    [LibraryImport(Ggml, StringMarshalling = StringMarshalling.Utf8)]
    private static partial void ggml_backend_load_all_from_path(string path);

    [LibraryImport(Llama)]
    private static partial void llama_backend_init();

    [LibraryImport(Llama)]
    private static partial Parameters llama_model_default_params();

    [LibraryImport(Llama)]
    private static partial Parameters llama_context_default_params();

    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint llama_model_load_from_file(string path, Parameters parameters);

    [LibraryImport(Llama)]
    private static partial nint llama_init_from_model(nint model, Parameters parameters);

    [LibraryImport(Llama)]
    private static partial void llama_set_n_threads(nint context, int threads, int batchThreads);

    [LibraryImport(Llama)]
    private static partial void llama_set_embeddings(nint context, [MarshalAs(UnmanagedType.U1)] bool embeddings);

    [LibraryImport(Llama)]
    private static partial nint llama_model_get_vocab(nint model);

    [LibraryImport(Llama)]
    private static partial int llama_model_n_embd(nint model);

    [LibraryImport(Llama)]
    private static partial void llama_model_free(nint model);

    [LibraryImport(Llama)]
    private static partial void llama_free(nint context);

    [LibraryImport(Llama)]
    private static partial nint llama_get_memory(nint context);

    [LibraryImport(Llama)]
    private static partial void llama_memory_clear(nint memory, [MarshalAs(UnmanagedType.U1)] bool data);

    [LibraryImport(Llama)]
    private static partial int llama_vocab_n_tokens(nint vocabulary);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    private static partial bool llama_vocab_is_control(nint vocabulary, int token);

    [LibraryImport(Llama)]
    private static partial int llama_tokenize(
        nint vocabulary, byte[] text, int length, [Out] int[] tokens, int room,
        [MarshalAs(UnmanagedType.U1)] bool addSpecial, [MarshalAs(UnmanagedType.U1)] bool parseSpecial);

    [LibraryImport(Llama)]
    private static partial int llama_detokenize(
        nint vocabulary, int[] tokens, int count, [Out] byte[] text, int room,
        [MarshalAs(UnmanagedType.U1)] bool removeSpecial, [MarshalAs(UnmanagedType.U1)] bool unparseSpecial);

    [LibraryImport(Llama)]
    private static partial Batch llama_batch_get_one(int* tokens, int count);

    [LibraryImport(Llama)]
    private static partial int llama_decode(nint context, Batch batch);

    [LibraryImport(Llama)]
    private static partial int llama_encode(nint context, Batch batch);

    [LibraryImport(Llama)]
    private static partial nint llama_get_logits_ith(nint context, int index);

    [LibraryImport(Llama)]
    private static partial nint llama_get_embeddings_seq(nint context, int sequence);
}
