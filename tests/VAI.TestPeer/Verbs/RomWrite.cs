using System.Globalization;
using VAI.Native.Llama;
using VAI.Native.Registry.Entries;
using VAI.Native.Rom;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>rom-write DIR NAME</c>: attaches, prints where the image's largest mapping lies, and writes a byte there, which ends
/// the process. Prints <c>written</c> if it does not.
/// </summary>
internal static unsafe class RomWrite
{
    public static int Run(string directory, string name)
    {
        using var store = RomStore.Open(directory);
        RegistryEntry entry = store.Find(name, RomProfile.Fast, plain: false) ?? throw new InvalidOperationException($"there is no {name}");
        using RomHold hold = store.Hold(entry, TimeSpan.FromMinutes(1), CancellationToken.None);
        using LlamaModel model = RomAttacher.Attach(hold.File, new LlamaModelSettings()).Model;
        (nint start, nint length) = LargestMapping(hold.File.Path);
        byte* target = (byte*)start + (length / 2);
        Console.WriteLine($"{start:x} {length} {*target}");
        Volatile.Write(ref *target, (byte)(*target ^ 0xFF));
        Console.WriteLine("written");
        return ExitCodes.CheckFailed;
    }

    private static (nint Start, nint Length) LargestMapping(string path) =>
        File.ReadLines("/proc/self/maps")
            .Where(l => l.EndsWith(path, StringComparison.Ordinal))
            .Select(l => l.Split(' ')[0].Split('-'))
            .Select(r => (Start: Hex(r[0]), Length: Hex(r[1]) - Hex(r[0])))
            .MaxBy(r => r.Length);

    private static nint Hex(string text) => nint.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
