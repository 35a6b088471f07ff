using VAI.Native.Llama;

namespace VAI.Text;

/// <summary>Texts that certainly have more tokens than there is room for, found out by their bytes alone, before anything is made of them.</summary>
internal static class TextBound
{
    // Finding the longest token takes some milliseconds, once; of every vocabulary some have four bytes.
    private const int LeastLongest = 4;

    /// <summary>The bytes of a text, if it is so long that it has to be looked at whether it fits; else 0.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.ContextFull"/>: no text is so long.</exception>
    public static int Suspicious(string text, int room) =>
        LlamaVocab.CheckLength(text) is var bytes && bytes / LeastLongest > room ? bytes : 0;

    /// <summary>Refuses a text that has too many bytes.</summary>
    /// <param name="model">Whose tokens are counted.</param>
    /// <param name="bytes">What <see cref="Suspicious"/> said.</param>
    /// <param name="room">The most tokens that are of use.</param>
    /// <param name="longest">The most bytes that a token stands for; <see cref="int.MaxValue"/> where it could be any number.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.ContextFull"/>.</exception>
    public static void Check(string model, int bytes, int room, int longest)
    {
        if (longest == int.MaxValue || bytes / longest <= room)
            return;
        throw new VaiUsageException(
            VaiError.ContextFull,
            $"The text has {bytes} bytes, which are more than {bytes / longest} tokens of '{model}', whose longest stands for {longest} bytes; "
            + $"there is room for {Math.Max(0, room)}. Shorten it.");
    }
}
