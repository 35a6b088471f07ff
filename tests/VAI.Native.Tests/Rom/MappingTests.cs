using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VAI.Native.Tests.Rom;

/// <summary>That an attached model's memory is the image's, and is given back.</summary>
public sealed unsafe class MappingTests(RomModels models) : RomTest(models)
{
    private const long Most = 60_000_000;

    [Fact]
    public void Weights_are_shared_and_never_private()
    {
        string image = BurnImage(Models.Small);
        AttachedModel attached = Attach(image);
        using LlamaModel model = attached.Model;
        Assert.Equal(new FileInfo(image).Length, attached.Mapping!.SharedBytes);
        attached.Mapping.WaitForPrefault();
        string tokens = GreedyRun.Of(model);
        (long mapped, long resident, long own, _) = Smaps(image);
        Assert.Equal(attached.Mapping.SharedBytes, mapped);
        Assert.InRange(resident, Most, mapped);
        Assert.Equal(0, own);
        Assert.All(MappingsOf(".rom"), m => Assert.Equal("r--s", m.Split(' ')[1]));

        // A page of /dev/shm that one mapping alone has counts as private and dirty, though it is the file's.
        AttachedModel second = Attach(image);
        using LlamaModel other = second.Model;
        second.Mapping!.WaitForPrefault();
        Assert.Equal(tokens, GreedyRun.Of(other));
        (mapped, _, own, long dirty) = Smaps(image);
        Assert.Equal(attached.Mapping.SharedBytes + second.Mapping.SharedBytes, mapped);
        Assert.Equal((0, 0), (own, dirty));
    }

    /// <summary>Buffers that are smaller than a mapping of the allocator's own are its heap: <c>free</c> writes there.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Disposal_gives_the_memory_back_as_the_allocator_knows_it(bool small)
    {
        string image = BurnImage(small ? Models.Small : Models.Tiny);
        RomSection[] sections;
        using (var rom = RomFile.Open(image))
            sections = [.. rom.Header.Sections];
        for (int i = 0; i < 10; i++)
        {
            AttachedModel attached = Attach(image);
            Assert.Equal(new FileInfo(image).Length, attached.Mapping!.SharedBytes);
            Assert.Single(MappingsOf(".rom"));
            attached.Model.Dispose();
            Assert.Empty(MappingsOf(".rom"));
            foreach (RomSection section in sections)
                FillAndFree(section.Bytes);
        }

        using LlamaModel last = Attach(image).Model;
        Assert.NotEmpty(GreedyRun.Of(last));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_attached_at_once_end_in_any_order(bool firstFirst)
    {
        string image = BurnImage(Models.Small);
        AttachedModel first = Attach(image);
        AttachedModel second = Attach(image);
        Assert.Equal(2, MappingsOf(".rom").Length);
        string tokens = GreedyRun.Of(first.Model);
        Assert.Equal(tokens, GreedyRun.Of(second.Model));
        (AttachedModel ends, AttachedModel stays) = firstFirst ? (first, second) : (second, first);
        ends.Model.Dispose();
        Assert.Single(MappingsOf(".rom"));
        Assert.Equal(tokens, GreedyRun.Of(stays.Model));
        stays.Model.Dispose();
        Assert.Empty(MappingsOf(".rom"));
    }

    [Fact]
    public void A_context_keeps_the_image_attached()
    {
        LlamaModel model = Attach(BurnImage(Models.Small)).Model;
        using (LlamaContext context = GreedyRun.Open(model, embedding: false))
        {
            string tokens = GreedyRun.Of(context);
            model.Dispose();
            Assert.NotEmpty(MappingsOf(".rom"));
            Assert.Equal(tokens, GreedyRun.Of(context));
        }

        Assert.Empty(MappingsOf(".rom"));
    }

    /// <summary>The finalizer runs when those of the objects that it needs may have run: it must not throw, which ends the process.</summary>
    [Fact]
    public void A_model_that_nobody_disposed_is_given_back_by_the_collector()
    {
        string image = BurnImage(Models.Small);
        Forget(image);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Empty(MappingsOf(".rom"));

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Forget(string path)
        {
            RomMapping mapping = Attach(path).Mapping!;
            mapping.WaitForPrefault();
            Assert.NotEmpty(MappingsOf(".rom"));
        }
    }

    [Fact]
    public void An_image_stays_attached_when_its_file_is_gone()
    {
        string image = BurnImage(Models.Small);
        using LlamaModel model = Attach(image).Model;
        string tokens = GreedyRun.Of(model);
        File.Delete(image);
        Assert.Equal(tokens, GreedyRun.Of(model));
        Assert.All(MappingsOf(".rom"), m => Assert.EndsWith("(deleted)", m));
    }

    /// <summary>llama.cpp maps a plain image by itself, from its second page on.</summary>
    [Fact]
    public void A_plain_image_is_mapped_and_unmapped_by_llama_cpp()
    {
        string image = BurnImage(Models.Small, RomProfile.Exact);
        AttachedModel attached = Attach(image);
        Assert.Null(attached.Mapping);
        string tokens = GreedyRun.Of(attached.Model);
        (long mapped, _, long own, _) = Smaps(image);
        Assert.InRange(mapped, Most, new FileInfo(image).Length);
        Assert.Equal(0, own);
        attached.Model.Dispose();
        Assert.Empty(MappingsOf(".rom"));
        Assert.NotEmpty(tokens);
    }

    private static void FillAndFree(long bytes)
    {
        byte* memory = (byte*)NativeMemory.Alloc((nuint)bytes);
        NativeMemory.Fill(memory, (nuint)bytes, 0xA5);
        Assert.Equal((0xA5, 0xA5), (memory[0], memory[bytes - 1]));
        NativeMemory.Free(memory);
    }

    // Sums over the mappings of a file, in bytes.
    private static (long Size, long Rss, long Anonymous, long PrivateDirty) Smaps(string file)
    {
        var sums = new Dictionary<string, long> { ["Size:"] = 0, ["Rss:"] = 0, ["Anonymous:"] = 0, ["Private_Dirty:"] = 0 };
        bool inside = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!words[0].EndsWith(':'))
                inside = line.EndsWith(file, StringComparison.Ordinal);
            else if (inside && sums.ContainsKey(words[0]))
                sums[words[0]] += long.Parse(words[1], CultureInfo.InvariantCulture) << 10;
        }

        return (sums["Size:"], sums["Rss:"], sums["Anonymous:"], sums["Private_Dirty:"]);
    }
}
