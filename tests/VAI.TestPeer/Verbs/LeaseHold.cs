using VAI.Native.Registry;

namespace VAI.TestPeer.Verbs;

/// <summary><c>lease DIR DIGEST SESSIONS TOKENS</c>: a lease with these counts, held. Prints its index.</summary>
internal static class LeaseHold
{
    public static int Run(string directory, byte[] digest, int sessions, int tokens)
    {
        using var table = LeaseTable.Open(directory);
        using Lease lease = table.Take(digest);
        lease.Sessions = sessions;
        for (int i = 0; i < tokens; i++)
            lease.AddTokens(1);
        Console.WriteLine(lease.Index);
        Console.In.ReadToEnd();
        return ExitCodes.Done;
    }
}
