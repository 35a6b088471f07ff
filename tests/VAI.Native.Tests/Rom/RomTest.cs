using System.Text.RegularExpressions;
using VAI.Native.Interop;

namespace VAI.Native.Tests.Rom;

/// <summary>A ROM directory for each test, in memory and removed after it, and what is done with one.</summary>
[Collection(RomCollection.Name)]
public abstract class RomTest : IDisposable
{
    protected static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    protected RomTest(RomModels models)
    {
        Models = models;
        Space = $"/dev/shm/vai-rom-test-{Guid.NewGuid():n}";
        Directory.CreateDirectory(Space);
        SetMode(Space, "700");
    }

    protected RomModels Models { get; }

    /// <summary>A ROM directory.</summary>
    protected string Space { get; }

    protected static bool IsRoot => LibcNative.geteuid() == 0;

    public void Dispose()
    {
        Directory.Delete(Space, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected RomStore OpenStore() => RomStore.Open(Space);

    private protected static (RegistryEntry Entry, bool Burned) Burn(
        RomStore store, string file, string name = "m", RomProfile profile = RomProfile.Fast, bool rename = false) =>
        store.Burn(new RomBurnRequest(file, name, profile, Deadline), rename, null, CancellationToken.None);

    /// <summary>Burns, and says where the image is.</summary>
    private protected string BurnImage(string file, RomProfile profile = RomProfile.Fast)
    {
        using RomStore store = OpenStore();
        return store.Directory.ImagePath(Burn(store, file, profile: profile).Entry.RomId);
    }

    private protected static AttachedModel Attach(string image)
    {
        using var rom = RomFile.Open(image);
        return RomAttacher.Attach(rom, new LlamaModelSettings());
    }

    /// <summary>A copy that can be written, in no ROM directory.</summary>
    protected string CopyOf(string file, string name)
    {
        string copy = Path.Combine(Space, name);
        File.Copy(file, copy);
        SetMode(copy, "600");
        return copy;
    }

    private protected static void Rewrite(string image, Func<RomHeader, RomHeader> change)
    {
        byte[] page;
        using (var rom = RomFile.Open(image))
            page = RomHeaderPage.Write(change(rom.Header));
        Overwrite(image, 0, page);
    }

    protected static void Overwrite(string file, long offset, ReadOnlySpan<byte> bytes)
    {
        SetMode(file, "600");
        using (FileStream stream = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            stream.Position = offset;
            stream.Write(bytes);
        }

        SetMode(file, "400");
    }

    protected static void SetMode(string path, string octal) => Assert.Equal(0, Libc.chmod(path, Convert.ToUInt32(octal, 8)));

    protected static void Flip(string file, long offset)
    {
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Position = offset;
        Overwrite(file, offset, [(byte)(stream.ReadByte() ^ 0x10)]);
    }

    protected static TError Throws<TError>(VaiError code, string says, Action act)
        where TError : VaiException
    {
        TError error = Assert.Throws<TError>(act);
        Assert.Equal(code, error.Code);
        Assert.Matches(new Regex(says), error.Message);
        return error;
    }

    /// <summary>Nothing of a burn: no file but the registry's, no entry, no mapping.</summary>
    protected void AssertNothingLeft()
    {
        Assert.Equal(["leases", "registry", "registry.lock"], Directory.GetFiles(Space).Select(Path.GetFileName).Order());
        using (RomRegistry registry = RomRegistry.TryOpen(Space)!)
            Assert.Empty(registry.ReadAll());
        Assert.Empty(MappingsOf(RomDirectory.BurnSuffix));
    }

    /// <summary>Lines of this process's mappings of a file in the ROM directory, by the end of its name.</summary>
    protected string[] MappingsOf(string end) =>
        [.. File.ReadLines("/proc/self/maps").Where(l => l.Contains(Space, StringComparison.Ordinal) && l.Contains(end, StringComparison.Ordinal))];
}
