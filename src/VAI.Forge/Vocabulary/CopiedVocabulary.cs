namespace VAI.Forge.Vocabulary;

internal static class CopiedVocabulary
{
    public static ModelVocabulary Read(string file) => throw new NotSupportedException(file);
}
