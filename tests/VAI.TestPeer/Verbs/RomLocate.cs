using VAI.Native.Rom;

namespace VAI.TestPeer.Verbs;

/// <summary><c>rom-locate [OPTION]</c>: prints which directory would be used, and whether somebody chose it.</summary>
internal static class RomLocate
{
    public static int Run(string? option)
    {
        Console.WriteLine(RomDirectory.Locate(option));
        return ExitCodes.Done;
    }
}
