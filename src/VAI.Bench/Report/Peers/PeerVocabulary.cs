using VAI.Native.Llama;
using VAI.Residency;

namespace VAI.Bench.Report;

/// <summary>What a peer is asked with: tokens of a model that VAI has loaded from the same file.</summary>
internal sealed class PeerVocabulary
{
    private readonly int _count;

    public PeerVocabulary(IModelContext model)
    {
        LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
        _count = vocab.Count;
        Ends = [.. Enumerable.Range(0, vocab.Count).Where(vocab.IsEndOfGeneration)];
    }

    /// <summary>Tokens that end an answer.</summary>
    public IReadOnlyList<int> Ends { get; }

    /// <summary>Random tokens, each prompt begun by another one: nothing of it is computed yet.</summary>
    public int[] Prompt(int number, int length)
    {
        var random = new Random(number);
        int[] prompt = [.. Enumerable.Range(0, length).Select(_ => random.Next(_count))];
        prompt[0] = number % _count;
        return prompt;
    }
}
