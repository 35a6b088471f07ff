using VAI.Native.Interop;

namespace VAI.Daemon.Worker;

/// <summary>
/// For tests alone: what ends this process, as a fault of llama.cpp would. <c>VAI_TEST_POISON</c> is a text: a prompt that holds it does.
/// <c>VAI_TEST_POISON_LOAD</c> is a file: while there is one, loading the model that it names does. And what is lost without a word:
/// <c>VAI_TEST_LOSE</c> is a file: the next transaction whose document holds its text is, and the file with it.
/// </summary>
internal static class Poison
{
    private const int Aborted = 134;

    private static readonly string? Text = Environment.GetEnvironmentVariable("VAI_TEST_POISON");
    private static readonly string? Lost = Environment.GetEnvironmentVariable("VAI_TEST_LOSE");
    private static readonly string? Load = Environment.GetEnvironmentVariable("VAI_TEST_POISON_LOAD");

    public static void Prompt(string? text)
    {
        if (!string.IsNullOrEmpty(Text) && text?.Contains(Text, StringComparison.Ordinal) == true)
            LibcNative._exit(Aborted);
    }

    public static bool Loses(ReadOnlySpan<byte> document)
    {
        if (string.IsNullOrEmpty(Lost) || !File.Exists(Lost) || document.IndexOf(File.ReadAllBytes(Lost)) < 0)
            return false;
        File.Delete(Lost);
        return true;
    }

    public static void Model(string name)
    {
        if (!string.IsNullOrEmpty(Load) && File.Exists(Load) && File.ReadAllText(Load) == name)
            LibcNative._exit(Aborted);
    }
}
