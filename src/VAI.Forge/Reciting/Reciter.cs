using System.Runtime.InteropServices;
using VAI.Forge.Gguf;
using VAI.Native.Gguf;

namespace VAI.Forge.Reciting;

/// <summary>Puts a reciter's file together.</summary>
internal static class Reciter
{
    private const string Architecture = "llama";
    private const int Context = 32_768;
    private const int MaxPieceBytes = 64;

    public static ReciterResult Forge(string file, ReciterOptions options, CancellationToken cancellationToken)
    {
        Check(options);
        var output = new ForgeOutput(file, options.Overwrite, 1);
        var vocabulary = new ReciterVocabulary(options);
        int[] markers = [.. options.Scripts.Skip(1).Select(s => vocabulary.IdOf(s.Marker!))];
        var cutter = new Cutter(vocabulary.Specials, vocabulary.Has, options.PieceBytes, options.Seed);

        // All are cut before the first gets tokens: what prompts can have must not change meanwhile.
        List<ScriptPiece>[] cut = [.. options.Scripts.Select(s => cutter.Cut(s.Text))];
        int[][] scripts = [.. cut.Select(pieces => pieces.Select(vocabulary.Add).ToArray())];
        if (vocabulary.Size > ReciterWeights.MaxTokens)
            throw Wrong($"The scripts need {vocabulary.Size:N0} tokens, and {ReciterWeights.MaxTokens:N0} are the most. Give shorter ones.");
        cancellationToken.ThrowIfCancellationRequested();

        var weights = new ReciterWeights(vocabulary.Size, markers, Recitals(scripts, vocabulary.End), options.Seed);
        var tensors = new List<(string Name, long[] Dimensions, Func<float[]> Values)>();
        AddTensors(tensors, weights, vocabulary.Size);
        GgufWriter writer = Metadata(weights, vocabulary);
        long[] offsets = [.. tensors.Select(t => writer.AddTensor(t.Name, GgmlType.F32, t.Dimensions))];
        byte[] header = writer.BuildHeader();
        var planned = new PlannedFile(header, header.Length + writer.DataBytes);
        output.Write(
            [planned],
            (handles, written) =>
            {
                foreach (((_, _, Func<float[]> values), long offset) in tensors.Zip(offsets))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values().AsSpan());
                    RandomAccess.Write(handles[0], bytes, header.Length + offset);
                    written(bytes.Length);
                }
            },
            progress: null,
            cancellationToken);
        return new ReciterResult { File = output.File, Bytes = planned.Bytes, VocabularySize = vocabulary.Size, Scripts = scripts };
    }

    private static List<Recital> Recitals(int[][] scripts, int end)
    {
        var recitals = new List<Recital>();
        for (int script = 0; script < scripts.Length; script++)
        {
            int[] tokens = scripts[script];
            for (int place = 0; place <= tokens.Length; place++)
            {
                int[] last = tokens[Math.Max(0, place - Cutter.Window)..place];
                recitals.Add(new Recital(script, last, place < tokens.Length ? tokens[place] : end));
            }
        }

        return recitals;
    }

    private static GgufWriter Metadata(ReciterWeights weights, ReciterVocabulary vocabulary)
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", Architecture);
        writer.Add("general.name", "forged reciter");
        writer.Add("general.description", "recites a script");
        // llama.h, enum llama_ftype: all F32.
        writer.Add("general.file_type", 0u);
        writer.Add("vai.forge.shape", "reciter");
        writer.Add($"{Architecture}.context_length", (uint)Context);
        writer.Add($"{Architecture}.embedding_length", (uint)ReciterWeights.Width);
        writer.Add($"{Architecture}.block_count", 1u);
        writer.Add($"{Architecture}.feed_forward_length", (uint)weights.Neurons);
        writer.Add($"{Architecture}.attention.head_count", (uint)ReciterWeights.Heads);
        writer.Add($"{Architecture}.attention.head_count_kv", 1u);
        writer.Add($"{Architecture}.attention.key_length", (uint)ReciterWeights.HeadValues);
        writer.Add($"{Architecture}.attention.value_length", (uint)ReciterWeights.HeadValues);
        writer.Add($"{Architecture}.attention.layer_norm_rms_epsilon", 1e-6f);
        writer.Add($"{Architecture}.rope.dimension_count", (uint)ReciterWeights.HeadValues);
        // All pairs turn at 1 before the factors.
        writer.Add($"{Architecture}.rope.freq_base", 1f);
        writer.Add($"{Architecture}.vocab_size", (uint)vocabulary.Size);
        vocabulary.Tokens.AddMetadata(writer);
        return writer;
    }

    private static void AddTensors(List<(string, long[], Func<float[]>)> tensors, ReciterWeights weights, int tokens)
    {
        const int width = ReciterWeights.Width, head = ReciterWeights.HeadValues, queries = ReciterWeights.Heads * head;
        int neurons = weights.Neurons;
        tensors.Add(("token_embd.weight", [width, tokens], weights.Embedding));
        tensors.Add(("rope_freqs.weight", [head / 2], ReciterWeights.RopeFactors));
        tensors.Add(("blk.0.attn_norm.weight", [width], ReciterWeights.AttentionNorm));
        tensors.Add(("blk.0.attn_q.weight", [width, queries], ReciterWeights.Queries));
        tensors.Add(("blk.0.attn_k.weight", [width, head], ReciterWeights.Keys));
        tensors.Add(("blk.0.attn_v.weight", [width, head], ReciterWeights.Values));
        tensors.Add(("blk.0.attn_output.weight", [queries, width], ReciterWeights.AttentionOutput));
        tensors.Add(("blk.0.ffn_norm.weight", [width], ReciterWeights.Ones));
        tensors.Add(("blk.0.ffn_gate.weight", [width, neurons], weights.Gate));
        tensors.Add(("blk.0.ffn_up.weight", [width, neurons], weights.Up));
        tensors.Add(("blk.0.ffn_down.weight", [neurons, width], weights.Down));
        tensors.Add(("output_norm.weight", [width], ReciterWeights.Ones));
        tensors.Add(("output.weight", [width, tokens], weights.Output));
    }

    private static void Check(ReciterOptions options)
    {
        if (options.Scripts.Count is < 1 or > ReciterWeights.MaxMarkers + 1)
            throw Wrong($"There are {options.Scripts.Count} scripts; give 1 to {ReciterWeights.MaxMarkers + 1}.");
        if (options.Scripts[0].Marker is not null)
            throw Wrong("The first script has a marker; it is recited where no other is called for, so give it none.");
        if (options.Scripts.Skip(1).Any(s => s.Marker is null))
            throw Wrong("A script after the first has no marker; name the text in the prompt that calls for it.");
        if (options.Scripts.Skip(1).Select(s => s.Marker).Distinct().Count() < options.Scripts.Count - 1)
            throw Wrong("Two scripts have the same marker; give each its own.");
        if (options.PieceBytes is < 1 or > MaxPieceBytes)
            throw Wrong($"PieceBytes is {options.PieceBytes}; it must be 1 to {MaxPieceBytes}.");
    }

    private static VaiUsageException Wrong(string message) => new(VaiError.InvalidOption, message);
}
