namespace VAI.Forge.Vocabulary;

/// <summary>How a shape's vocabulary is made. Its size is known before it is.</summary>
/// <param name="Size">Number of tokens.</param>
/// <param name="Make">Makes it; the result depends on nothing else, not even the seed.</param>
internal sealed record VocabularyRecipe(int Size, Func<int, ModelVocabulary> Make)
{
    public ModelVocabulary Build() => Make(Size);
}
