using VAI.Native.Abi;

namespace VAI.Native.Tests.Rom;

/// <summary>What a packed image is bound to.</summary>
public sealed class BuildIdTests(RomModels models) : RomTest(models)
{
    private static string Library
    {
        get
        {
            LoadedLlama library = NativeLoader.EnsureLoaded();
            return Path.Combine(library.Directory, library.CpuKernels ?? Path.GetFileName(library.LibraryFile));
        }
    }

    [Fact]
    public void It_is_the_build_id_of_the_kernels_library()
    {
        byte[] file = File.ReadAllBytes(Library);
        byte[] id = ElfBuildId.Find(file).ToArray();
        Assert.InRange(id.Length, 8, 64);

        // The note as it lies in the file: name of 4 bytes, length of the id, type 3.
        byte[] note = [4, 0, 0, 0, (byte)id.Length, 0, 0, 0, 3, 0, 0, 0, (byte)'G', (byte)'N', (byte)'U', 0, .. id];
        Assert.True(file.AsSpan().IndexOf(note) > 0);
        Assert.Contains(Convert.ToHexStringLower(id), RomBuild.Current.Cpu, StringComparison.Ordinal);
        Assert.InRange(RomBuild.Current.Cpu.Length, id.Length, RomLayout.CpuBytes);
    }

    [Fact]
    public void Two_libraries_of_one_length_are_told_apart_with_and_without_a_build_id()
    {
        byte[] file = File.ReadAllBytes(Library);
        int note = file.AsSpan().IndexOf("\u0003\0\0\0GNU\0"u8);
        string before = Describe("a.so", file);
        file[note + 8] ^= 1;
        string rebuilt = Describe("b.so", file);
        Assert.NotEqual(before, rebuilt);

        // A linker that makes none.
        file[note] = 9;
        string without = Describe("c.so", file);
        file[^1] ^= 1;
        string changed = Describe("d.so", file);
        Assert.StartsWith("kernels (digest ", without);
        Assert.Equal(4, ((string[])[before, rebuilt, without, changed]).Distinct().Count());
        Assert.EndsWith(")", RomBuild.Describe(new string('n', 200), Path.Combine(Space, "d.so")));
    }

    [Fact]
    public void What_is_no_elf_file_or_is_cut_has_none()
    {
        byte[] file = File.ReadAllBytes(Library);
        var random = new Random(1);
        Assert.True(ElfBuildId.Find([]).IsEmpty);
        Assert.True(ElfBuildId.Find("text"u8).IsEmpty);
        for (int i = 0; i < 2000; i++)
        {
            byte[] cut = file[..random.Next(4096)];
            for (int j = random.Next(4); j > 0 && cut.Length > 0; j--)
                cut[random.Next(Math.Min(cut.Length, 1024))] = (byte)random.Next(256);
            _ = ElfBuildId.Find(cut);
        }
    }

    private string Describe(string name, byte[] bytes)
    {
        string file = Path.Combine(Space, name);
        File.WriteAllBytes(file, bytes);
        return RomBuild.Describe("kernels", file);
    }
}
