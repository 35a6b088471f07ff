using VAI.Native.Llama;
using VAI.Native.Registry.Entries;
using VAI.Native.Rom;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>rom-attach DIR NAME [USER]</c>: attaches, as another user and group if one is named. Prints the image's digest and the
/// tokens of a run; holds it until its standard input ends.
/// </summary>
internal static class RomAttach
{
    public static int Run(string directory, string name, int? user)
    {
        if (user is { } other)
        {
            // Code and libraries may lie where the other user cannot read them: load them before.
            _ = RomBuild.Current;
            Libc.BecomeUser(other);
        }

        using var store = RomStore.Open(directory);
        RegistryEntry entry = store.Find(name, RomProfile.Fast, plain: false) ?? throw new InvalidOperationException($"there is no {name}");
        using RomHold hold = store.Hold(entry, TimeSpan.FromMinutes(1), CancellationToken.None);
        using LlamaModel model = RomAttacher.Attach(hold.File, new LlamaModelSettings()).Model;
        Console.WriteLine($"{Convert.ToHexStringLower(hold.File.Header.ImageDigest)} {GreedyRun.Of(model)}");
        Console.In.ReadToEnd();
        return ExitCodes.Done;
    }
}
