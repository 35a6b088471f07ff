using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using Xunit.Abstractions;

namespace VAI.Native.Tests.Gguf;

/// <summary>100,000 damaged files: each opens or ends in one of VAI's own errors, for little memory, and so for little work.</summary>
/// <remarks>VAI_GGUF_SEED=n runs the files of seed n again; VAI_GGUF_FILES sets how many.</remarks>
public class GgufMutationTests(ITestOutputHelper output)
{
    private static readonly (byte[] Bytes, (int Offset, int Size)[] Fields)[] Bases =
        [.. new[] { GgufSamples.Llama(), GgufSamples.Llama(2), GgufSamples.Moe(), GgufSamples.EveryType() }
            .Select(b => (b.Build(), b.Fields.Select(f => (f.Offset, f.Size)).ToArray()))];

    private static readonly ulong[] Extremes =
        [0, 1, 2, 3, 7, 8, 9, 12, 13, 31, 32, 33, 63, 64, 255, 65535, 65536, 1ul << 31, (1ul << 32) - 1, 1ul << 32,
            1ul << 61, 1ul << 62, (1ul << 63) - 1, 1ul << 63, ulong.MaxValue - 7, ulong.MaxValue];

    private const long MostAllocated = 16 << 20;

    [Fact]
    public void Damaged_files_end_in_our_own_errors()
    {
        ulong seed = ulong.TryParse(Environment.GetEnvironmentVariable("VAI_GGUF_SEED"), out ulong s) ? s : (ulong)Random.Shared.NextInt64();
        int files = int.TryParse(Environment.GetEnvironmentVariable("VAI_GGUF_FILES"), out int n) ? n : 100_000;
        output.WriteLine($"VAI_GGUF_SEED={seed} VAI_GGUF_FILES={files}");
        int opened = 0, valid = 0;
        TimeSpan worst = TimeSpan.Zero;
        long largest = 0;

        var property = Prop.ForAll(Gen.Choose(int.MinValue, int.MaxValue).ToArbitrary(), mutation =>
        {
            byte[] file = Mutate(new Random(mutation));
            long start = Stopwatch.GetTimestamp(), before = GC.GetAllocatedBytesForCurrentThread();
            (bool opens, bool passes) = Inspect(file);
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            worst = took > worst ? took : worst;
            opened += opens ? 1 : 0;
            valid += passes ? 1 : 0;
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            largest = Math.Max(largest, allocated);
            Assert.True(allocated < MostAllocated, $"{allocated} bytes");
        });
        // Odd by FsCheck's rule; the size does not matter, a mutation is one number.
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(files).WithReplay(seed, 1), property);

        output.WriteLine($"{opened} of {files} opened, {valid} could be loaded, the slowest took {worst.TotalMilliseconds:f2} ms, the largest {largest >> 10} KiB");
        Assert.InRange(opened, files / 100, files - files / 100);
    }

    // As `vai inspect` reads, then as loading does.
    private static (bool Opens, bool Passes) Inspect(byte[] bytes)
    {
        bool opens = false;
        try
        {
            using var file = GgufFile.Parse(bytes, "mutated");
            opens = true;
            GgufModelInfo.From(file).Validate();
            return (true, true);
        }
        catch (VaiException e)
        {
            Assert.StartsWith("mutated: ", e.Message);
            return (opens, false);
        }
    }

    private static byte[] Mutate(Random random)
    {
        (byte[] bytes, (int Offset, int Size)[] fields) = Bases[random.Next(Bases.Length)];
        var file = new List<byte>(bytes);
        // Numbers first, while they are where the builder put them.
        for (int i = random.Next(3); i > 0; i--)
            WriteExtreme(file, fields[random.Next(fields.Length)], random);
        if (random.Next(4) == 0)
            Swap(file, fields[random.Next(fields.Length)], fields[random.Next(fields.Length)]);
        for (int i = random.Next(3); i > 0 && file.Count > 0; i--)
            Damage(file, random);
        return [.. file];
    }

    private static void WriteExtreme(List<byte> file, (int Offset, int Size) field, Random random)
    {
        byte[] value = BitConverter.GetBytes(Extremes[random.Next(Extremes.Length)]);
        for (int i = 0; i < Math.Min(field.Size, value.Length); i++)
            file[field.Offset + i] = value[i];
    }

    private static void Swap(List<byte> file, (int Offset, int Size) a, (int Offset, int Size) b)
    {
        for (int i = 0; i < Math.Min(a.Size, b.Size); i++)
            (file[a.Offset + i], file[b.Offset + i]) = (file[b.Offset + i], file[a.Offset + i]);
    }

    private static void Damage(List<byte> file, Random random)
    {
        int at = random.Next(file.Count);
        int length = Math.Min(random.Next(1, 32), file.Count - at);
        switch (random.Next(5))
        {
            case 0:
                file[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                file[at] = (byte)random.Next(256);
                break;
            case 2:
                file.RemoveRange(at, file.Count - at);
                break;
            case 3:
                file.InsertRange(at, file.GetRange(at, length));
                break;
            default:
                file.RemoveRange(at, length);
                break;
        }
    }
}
