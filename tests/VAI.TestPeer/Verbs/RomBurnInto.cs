using VAI.Native.Rom;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>rom-burn-into FILE DIR SIZE PROFILE</c>: mounts a file system of that size on the directory, for which it must have a
/// mount namespace of its own, and burns into it. Prints the error's code and message, a line each, then the files left.
/// </summary>
internal static class RomBurnInto
{
    public static int Run(string file, string directory, string size, RomProfile profile)
    {
        if (Libc.mount("tmpfs", directory, "tmpfs", 0, $"size={size},mode=0700") != 0)
            throw new InvalidOperationException($"mount: {System.Runtime.InteropServices.Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            using var store = RomStore.Open(directory);
            store.Burn(new RomBurnRequest(file, "full", profile, TimeSpan.FromMinutes(1)), rename: false, null, CancellationToken.None);
            Console.WriteLine("burned");
            return ExitCodes.CheckFailed;
        }
        catch (VaiException e)
        {
            Console.WriteLine(e.Code);
            Console.WriteLine(e.Message);
        }

        Console.WriteLine(string.Join(' ', Directory.GetFiles(directory).Select(Path.GetFileName).Order(StringComparer.Ordinal)));
        using var again = RomStore.Open(directory);
        Console.WriteLine(again.Registry.ReadAll().Count);
        return ExitCodes.Done;
    }
}
