using VAI.Forge;
using VAI.Forge.Vocabulary;

namespace VAI.Native.Tests.Text;

/// <summary>A tiny model for every tokenizer that the library knows, made when it is first asked for.</summary>
public sealed class TokenizerModels : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-tokenizers-");

    /// <summary>Name and splitter, as the test cases have them.</summary>
    public static IEnumerable<(string Model, string? Splitter)> All =>
        TokenizerSamples.Splitters.Select(splitter => ("gpt2", (string?)splitter))
            .Concat(TokenizerSamples.Models.Where(model => model != "gpt2").Select(model => (model, (string?)null)));

    internal LlamaModel Load(string model, string? splitter) => LlamaModel.Load(File(model, splitter), new LlamaModelSettings());

    /// <summary>The model's file.</summary>
    internal string File(string model, string? splitter) => Forge($"{model}-{splitter}", () => TokenizerSamples.Make(model, splitter));

    /// <summary>A model of that name with a vocabulary of its own.</summary>
    internal string Forge(string name, ModelVocabulary vocabulary) => Forge(name, () => vocabulary);

    private string Forge(string name, Func<ModelVocabulary> make)
    {
        string file = Path.Combine(_directory.FullName, $"{name}.gguf");
        if (System.IO.File.Exists(file))
            return file;
        string vocabulary = file + ".vocabulary";
        TokenizerSamples.WriteTo(vocabulary, make());
        ModelForge.ForgeAsync("tiny", file, new ForgeOptions { VocabularyFile = vocabulary, Threads = 1 }).GetAwaiter().GetResult();
        return file;
    }

    /// <summary>On a stack of that many bytes.</summary>
    internal static T OnStack<T>(int bytes, Func<T> act)
    {
        T? result = default;
        Exception? error = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    result = act();
                }
                catch (Exception e)
                {
                    error = e;
                }
            },
            bytes);
        thread.Start();
        thread.Join();
        return error is null ? result! : throw error;
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
