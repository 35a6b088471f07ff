using System.Runtime.InteropServices;
using VAI.Native.Abi;

namespace VAI.Native.Rom;

/// <summary>The pair that packed weights are valid for.</summary>
internal static class RomBuild
{
    private const int MostIdBytes = 20;

    private static readonly Lazy<(string Build, string Cpu)> Pair = new(Read, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The build of llama.cpp, and its library of CPU kernels with what tells builds of one version apart.</summary>
    /// <exception cref="VaiEngineException">No llama.cpp could be loaded.</exception>
    public static (string Build, string Cpu) Current => Pair.Value;

    private static (string Build, string Cpu) Read()
    {
        LoadedLlama library = NativeLoader.EnsureLoaded();
        string file = library.CpuKernelsFile ?? library.LibraryFile;
        string kernels = Path.GetFileName(file);
        return (Fit(library.Version, RomLayout.BuildBytes), Fit(File.Exists(file) ? Describe(kernels, file) : kernels, RomLayout.CpuBytes));
    }

    /// <summary>A library's name with its build id, or with a digest of its bytes where it was linked without one.</summary>
    internal static string Describe(string name, string file)
    {
        string? id = IdOf(Head(file)) ?? IdOf(File.ReadAllBytes(file));
        id ??= $"digest {RomKey.Add(RomKey.Start, File.ReadAllBytes(file)):x32}";
        // The name gives way: the id counts.
        int room = RomLayout.CpuBytes - id.Length - 3;
        return $"{(name.Length <= room ? name : name[..room])} ({id})";
    }

    private static string? IdOf(ReadOnlySpan<byte> file) =>
        ElfBuildId.Find(file) is { IsEmpty: false } id ? Convert.ToHexStringLower(id[..Math.Min(id.Length, MostIdBytes)]) : null;

    // Where linkers put notes, so that the rest of the library need not be read.
    private static byte[] Head(string file)
    {
        using FileStream stream = File.OpenRead(file);
        byte[] head = new byte[Math.Min(stream.Length, 64 << 10)];
        stream.ReadExactly(head);
        return head;
    }

    private static string Fit(string text, int bytes) => text.Length <= bytes ? text : text[..bytes];
}

/// <summary>The build id of an ELF file: the note <c>NT_GNU_BUILD_ID</c> (elf(5)), which the linker makes of all it links.</summary>
internal static class ElfBuildId
{
    private const int HeaderBytes = 64;
    private const uint NoteSegment = 4;
    private const uint BuildIdNote = 3;

    /// <summary>The id; empty where there is none, or where the file is not a 64-bit little-endian ELF file.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> file)
    {
        if (file.Length < HeaderBytes || !file.StartsWith("\u007FELF\u0002\u0001"u8))
            return default;
        ulong table = Read<ulong>(file, 32);
        int size = Read<ushort>(file, 54), count = Read<ushort>(file, 56);
        for (int i = 0; i < count && size >= 56 && size <= file.Length; i++)
        {
            ulong at = table + (ulong)(i * size);
            if (at > (ulong)(file.Length - size))
                return default;
            ReadOnlySpan<byte> segment = file.Slice((int)at, size);
            ulong offset = Read<ulong>(segment, 8), length = Read<ulong>(segment, 32);
            if (Read<uint>(segment, 0) == NoteSegment && offset <= (ulong)file.Length && length <= (ulong)file.Length - offset
                && InNotes(file.Slice((int)offset, (int)length), Read<ulong>(segment, 48) == 8 ? 8 : 4) is { IsEmpty: false } id)
            {
                return id;
            }
        }

        return default;
    }

    // A note: length of its owner's name, of its contents, its type; both padded.
    private static ReadOnlySpan<byte> InNotes(ReadOnlySpan<byte> notes, int alignment)
    {
        while (notes.Length >= 12)
        {
            long name = Read<uint>(notes, 0), contents = Read<uint>(notes, 4);
            long start = Padded(12 + name), end = Padded(start + contents);
            if (start + contents > notes.Length)
                return default;
            if (Read<uint>(notes, 8) == BuildIdNote && notes.Slice(12, (int)name).SequenceEqual("GNU\0"u8))
                return notes.Slice((int)start, (int)contents);
            if (end >= notes.Length)
                return default;
            notes = notes[(int)end..];
        }

        return default;

        long Padded(long bytes) => (bytes + alignment - 1) / alignment * alignment;
    }

    private static T Read<T>(ReadOnlySpan<byte> bytes, int at)
        where T : unmanaged => MemoryMarshal.Read<T>(bytes[at..]);
}
