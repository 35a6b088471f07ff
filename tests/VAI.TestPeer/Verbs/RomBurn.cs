using VAI.Native.Llama;
using VAI.Native.Registry.Entries;
using VAI.Native.Rom;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>rom-burn FILE DIR NAME</c>: prints <c>ready</c>, waits for a line, prints <c>burning</c> when the burn begins, and then
/// the image's id, whether this process burned it, and the tokens of a run of it. Holds it until its standard input ends.
/// </summary>
internal static class RomBurn
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    public static int Run(string file, string directory, string name)
    {
        using var store = RomStore.Open(directory);
        _ = RomBuild.Current;
        Console.WriteLine("ready");
        Console.ReadLine();
        bool begun = false;
        (RegistryEntry entry, bool burned) = store.Burn(
            new RomBurnRequest(file, name, RomProfile.Fast, Deadline), rename: false, Begin, CancellationToken.None);
        Console.WriteLine($"{entry.RomId} {burned}");
        using RomHold hold = store.Hold(entry, Deadline, CancellationToken.None);
        using LlamaModel model = RomAttacher.Attach(hold.File, new LlamaModelSettings()).Model;
        Console.WriteLine(GreedyRun.Of(model));
        Console.In.ReadToEnd();
        return ExitCodes.Done;

        void Begin(RomBurnProgress progress)
        {
            if (begun)
                return;
            begun = true;
            Console.WriteLine("burning");
        }
    }
}
