using VAI.Native.Registry.Leases;

namespace VAI.TestPeer.Verbs;

/// <summary><c>lease DIR DIGEST TOKENS [DEVICE]...</c>: a lease's counts with these tokens and devices, held. Prints its index.</summary>
internal static class LeaseHold
{
    public static int Run(string directory, byte[] digest, int tokens, string[] devices)
    {
        using var table = LeaseTable.Open(directory);
        using LeaseTally lease = table.Take(digest);
        for (int i = 0; i < tokens; i++)
            lease.AddTokens(1);
        lease.SetDevices(DeviceSet.Of(devices));
        Console.WriteLine(lease.Index);
        Console.In.ReadToEnd();
        return ExitCodes.Done;
    }
}
