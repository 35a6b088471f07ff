using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Text;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>tokenize FILE UNIT TIMES pieces|whole</c>: tokenizes a text that repeats itself, as the library does or in one call of llama.cpp,
/// on the main thread. Prints the number of tokens.
/// </summary>
internal static class Tokenize
{
    public static int Run(string file, string unit, int times, bool whole)
    {
        using (var head = GgufFile.Open(file))
            GgufModelInfo.From(head).Validate();
        using LlamaModel model = LlamaModel.Load(file, new LlamaModelSettings());
        string text = string.Concat(Enumerable.Repeat(unit, times));
        int[] tokens = whole
            ? model.Vocab.Tokenize(text, addSpecial: true, parseSpecial: true)
            : new Tokenizer("m", model.Vocab)
                .TokenizeAsync(text, addSpecial: true, parseSpecial: true, int.MaxValue, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        Console.WriteLine(tokens.Length);
        return ExitCodes.Done;
    }
}
