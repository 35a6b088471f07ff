using System.Runtime.CompilerServices;

namespace VAI.Core.Tests.Residency;

/// <summary>ROMs of the tests go into a directory of their own, which goes with the process.</summary>
internal static class RomDirectoryOfTests
{
    public static string Path { get; } = $"/dev/shm/vai-core-tests-{Environment.ProcessId}";

    [ModuleInitializer]
    internal static void Set()
    {
        Environment.SetEnvironmentVariable("VAI_ROM_DIR", Path);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (Directory.Exists(Path))
                Directory.Delete(Path, recursive: true);
        };
    }
}
