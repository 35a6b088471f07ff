using System.Text;
using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Native.Source;

namespace VAI.Text.Chat;

/// <summary>The vocabulary of a file, without its weights: what a prompt's tokens are, before anything is loaded.</summary>
internal sealed class FileVocabulary : IDisposable
{
    private readonly LlamaModel _model;
    private readonly Tokenizer _tokenizer;

    private FileVocabulary(LlamaModel model, string file)
    {
        _model = model;
        _tokenizer = new Tokenizer(file, model.Vocab);
    }

    /// <exception cref="VaiModelException">It is no model, or has no tokenizer.</exception>
    public static FileVocabulary Open(string file)
    {
        using ModelSource source = ModelSource.Open(file);
        GgufModelInfo.From(source.Header).Validate();
        return new FileVocabulary(ModelOutline.Of(source.Header.Head, file, new LlamaModelSettings()), file);
    }

    /// <summary>The tokens of a prompt that begins a session, and the text of each.</summary>
    public async Task<IReadOnlyList<(int Id, string Text)>> TokensAsync(ChatPrompt prompt, CancellationToken cancellationToken)
    {
        int[] tokens = await _tokenizer.TokenizeAsync(TokenText.Prompt(TextPrompt.Of(prompt), held: 0), int.MaxValue, cancellationToken).ConfigureAwait(false);
        var pieces = new TokenPieces(_model.Vocab, special: true);
        return [.. tokens.Select(t => (t, Encoding.UTF8.GetString(pieces.Of(t))))];
    }

    public void Dispose() => _model.Dispose();
}
