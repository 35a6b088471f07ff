using System.Globalization;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Tests.Rom.Burning;

/// <summary>That an image lies in huge pages where the kernel gives them, and is the same image where it does not.</summary>
public sealed class HugePageTests(RomModels models) : RomTest(models)
{
    // Literally, once more: what the kernel says (hpage_pmd_size), and what is asked of it (linux/mman.h, linux/fs.h, linux/falloc.h).
    [Fact]
    public unsafe void Numbers_are_the_kernels()
    {
        Assert.Equal((2L << 20, 25, 0xC0606610u, 1ul << 6, 1), (HugePages.Bytes, LibcNative.MADV_COLLAPSE, (uint)LibcNative.PAGEMAP_SCAN, LibcNative.PAGE_IS_HUGE, LibcNative.FALLOC_FL_KEEP_SIZE));
        Assert.Equal((96, 24), (sizeof(pm_scan_arg), sizeof(page_region)));
    }

    /// <summary>An image is mapped from its first byte on, so that one of any layout version has its huge pages at huge pages' addresses.</summary>
    [Fact]
    public void Addresses_and_places_in_the_file_go_together()
    {
        string image = BurnImage(Models.Small);
        for (int i = 0; i < 5; i++)
        {
            AttachedModel attached = Attach(image);
            Assert.Equal((0, true), (attached.Mapping!.Start % HugePages.Bytes, attached.Mapping.Start > 0));
            attached.Model.Dispose();
        }
    }

    [Fact]
    public async Task A_burned_image_is_mapped_by_huge_pages_here_and_in_another_process()
    {
        string image = BurnImage(Models.Small);
        long whole = new FileInfo(image).Length / HugePages.Bytes;
        bool given = HugePages.AreGiven();
        Assert.Equal(given ? 1 : 0, RomUse.Of(image, inMemory: true).HugePages ?? 0);
        AttachedModel attached = Attach(image);
        using LlamaModel model = attached.Model;
        attached.Mapping!.WaitForPrefault();
        Assert.Equal(given ? whole * HugePages.Bytes : 0, HugeBytes("self", image));
        using PeerProcess peer = PeerProcess.Start("rom-attach", Space, "m");
        Assert.NotEmpty(await peer.ReadLineAsync());
        Assert.Equal(given ? whole * HugePages.Bytes : 0, HugeBytes(peer.Id.ToString(CultureInfo.InvariantCulture), image));
    }

    /// <summary>As those are that an older VAI has burned, or that were burned when no huge page was free.</summary>
    [Fact]
    public void An_image_in_small_pages_is_attached_and_says_the_same()
    {
        string image = BurnImage(Models.Small);
        string tokens = GreedyRun.Of(Attach(image).Model);
        string copy = CopyOf(image, "small-pages.rom");
        Assert.Equal(0, RomUse.Of(copy, inMemory: true).HugePages ?? 0);
        AttachedModel attached = Attach(copy);
        using LlamaModel model = attached.Model;
        attached.Mapping!.WaitForPrefault();
        Assert.Equal(0, HugeBytes("self", copy));
        Assert.Equal(tokens, GreedyRun.Of(model));
    }

    [Fact]
    public async Task A_process_that_is_given_none_burns_the_same_image()
    {
        string other = Directory.CreateDirectory(Path.Combine(Space, "other")).FullName;
        SetMode(other, "700");
        using PeerProcess peer = PeerProcess.Start("rom-burn-refused", Models.Small, other, "m");
        string[] said = (await peer.ReadLineAsync()).Split(' ');
        using RomStore store = OpenStore();
        (RegistryEntry entry, _) = Burn(store, Models.Small);
        Assert.Equal(("False", Convert.ToHexStringLower(entry.Digest)), (said[0], said[1]));
        Assert.Equal(0, RomUse.Of(Path.Combine(other, entry.RomId + RomDirectory.ImageSuffix), inMemory: true).HugePages ?? 0);
    }

    [Fact]
    public void What_a_file_has_stays_and_what_it_lacks_is_zero()
    {
        string path = Path.Combine(Space, "file");
        const int Length = (5 << 20) + 123;
        byte[] before = new byte[Length];
        Random.Shared.NextBytes(before.AsSpan(0, 1 << 20));
        File.WriteAllBytes(path, before[..(1 << 20)]);
        using (SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
        {
            RandomAccess.SetLength(file, Length);
            Assert.Equal(HugePages.AreGiven() ? 2 : 0, HugePages.Fill(file, 0, Length, CancellationToken.None));
            Assert.Equal(0, HugePages.Fill(file, 1, HugePages.Bytes, CancellationToken.None));
            Assert.Throws<OperationCanceledException>(() => HugePages.Fill(file, 0, Length, new CancellationToken(canceled: true)));
        }

        Assert.Equal(before, File.ReadAllBytes(path));
    }

    private static long HugeBytes(string process, string image)
    {
        long sum = 0;
        bool inside = false;
        foreach (string line in File.ReadLines($"/proc/{process}/smaps"))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!words[0].EndsWith(':'))
                inside = line.EndsWith(image, StringComparison.Ordinal);
            else if (inside && words[0] == "ShmemPmdMapped:")
                sum += long.Parse(words[1], CultureInfo.InvariantCulture) << 10;
        }

        return sum;
    }
}
