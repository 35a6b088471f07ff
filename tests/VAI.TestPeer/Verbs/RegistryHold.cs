using VAI.Native.Registry;

namespace VAI.TestPeer.Verbs;

/// <summary><c>registry-hold DIR</c>: the writer lock, held. Prints <c>held</c>.</summary>
internal static class RegistryHold
{
    public static int Run(string directory)
    {
        using var registry = RomRegistry.Open(directory);
        using RegistryWriter writer = registry.BeginWrite(TimeSpan.FromSeconds(30), CancellationToken.None);
        Console.WriteLine("held");
        Console.In.ReadToEnd();
        return ExitCodes.Done;
    }
}
