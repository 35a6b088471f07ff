using VAI.Native.Registry.Entries;
using VAI.Native.Rom;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>rom-burn-slowly FILE DIR NAME</c>: burns, and stops while its weights are filled in: prints <c>burning</c> and goes on when it is
/// told a line. Prints the image's id.
/// </summary>
internal static class RomBurnSlowly
{
    public static int Run(string file, string directory, string name)
    {
        using var store = RomStore.Open(directory);
        bool stopped = false;
        (RegistryEntry entry, _) = store.Burn(
            new RomBurnRequest(file, name, RomProfile.Fast, TimeSpan.FromMinutes(1)), rename: false, Stop, CancellationToken.None);
        Console.WriteLine(entry.RomId);
        Console.In.ReadToEnd();
        return ExitCodes.Done;

        void Stop(RomBurnProgress progress)
        {
            if (stopped || progress.Phase != RomBurnPhase.Filling)
                return;
            stopped = true;
            Console.WriteLine("burning");
            Console.ReadLine();
        }
    }
}
