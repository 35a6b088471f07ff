using System.Runtime.InteropServices;
using System.Text;
using VAI.Native.Source;

namespace VAI.Native.Tests.Gguf;

/// <summary>Good files: what is in them is found.</summary>
public partial class GgufFileTests
{
    [Theory]
    [InlineData(2u)]
    [InlineData(3u)]
    public void A_file_tells_its_metadata_and_tensors(uint version)
    {
        byte[] bytes = GgufSamples.Llama(version).Build();
        using var file = GgufFile.Parse(bytes, "sample");

        Assert.Equal((version, 32u, bytes.LongLength), (file.Version, file.Alignment, file.Length));
        Assert.Equal("llama", file.GetString("general.architecture"));
        Assert.Equal(2ul, file.GetUInt("llama.block_count"));
        Assert.Equal(10000.0, file.GetFloat("llama.rope.freq_base"));
        Assert.True(file.GetBool("tokenizer.ggml.add_bos_token"));
        Assert.Equal([2, 0], file.GetIntegers("llama.attention.head_count_kv", 8)!);
        Assert.Null(file.GetString("no.such.key"));
        Assert.True(file.TryGetTensor("output_norm.weight", out GgufTensor norm));
        Assert.Equal(new GgufTensor("output_norm.weight", GgmlType.F32, 1, 16, 1, 1, 1, file.DataOffset + 256, 64), norm);
        Assert.Equal(bytes.LongLength, norm.Offset + norm.Bytes);
    }

    [Fact]
    public void Strings_of_an_array_are_walked_in_order()
    {
        using var file = GgufFile.Parse(GgufSamples.EveryType().Build(), "sample");
        var texts = new List<string>();
        foreach (ReadOnlySpan<byte> text in file.GetStrings(file.GetArray("array.text", GgufValueType.String)!.Value))
            texts.Add(Encoding.UTF8.GetString(text));

        Assert.Equal(["", "one", "two"], texts);
    }

    [Fact]
    public void A_value_of_another_type_is_refused_by_key_and_byte()
    {
        var sample = GgufSamples.EveryType();
        using var file = GgufFile.Parse(sample.Build(), "sample");

        var error = Assert.Throws<VaiModelException>(() => file.GetUInt("scalar.text"));
        Assert.Equal(VaiError.InvalidModel, error.Code);
        Assert.Contains($"'scalar.text' at byte {sample.OffsetOf("scalar.text value") + 8}: it is String, not an integer", error.Message);
        Assert.Throws<VaiModelException>(() => file.GetIntegers("array.Int32", 2));
    }

    [Fact]
    public void A_file_reads_as_the_same_bytes_in_memory()
    {
        byte[] bytes = GgufSamples.Moe().Build();
        using var at = new TempFile(bytes);
        using var read = GgufFile.Open(at.Path);
        using var parsed = GgufFile.Parse(bytes, at.Path);

        Assert.Equal(parsed.Entries, read.Entries);
        Assert.Equal(parsed.Tensors, read.Tensors);
        int head = (int)read.DataOffset;
        Assert.Equal(bytes[..head], read.Head.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => read.Slice(head - 1, 2).Length);
        read.Dispose();
        Assert.Throws<ObjectDisposedException>(() => read.Slice(0, 1).Length);
        using var source = ModelSource.Open(at.Path);
        byte[] all = new byte[bytes.Length];
        source.Read(0, all);
        Assert.Equal(bytes, all);
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Read(bytes.Length - 1, new byte[2]));
    }

    [Fact]
    public void A_tensor_beyond_4_GiB_is_found()
    {
        const ulong Elements = 5ul << 30;
        byte[] header = new GgufBytes()
            .Tensor("big", (uint)GgmlType.I8, 0, Elements).Tensor("last", (uint)GgmlType.I8, Elements, 32).Build();
        // A sparse file: nothing of it is on the disk but the header.
        using var at = new TempFile(header, header.Length + (long)Elements + 32);
        using var source = ModelSource.Open(at.Path);

        Assert.Equal(source.Header.DataOffset + (long)Elements, source.Header.Tensors[1].Offset);
        byte[] last = new byte[32];
        source.Read(source.Header.Tensors[1].Offset, last);
        Assert.Equal(new byte[32], last);
    }

    [Fact]
    public void A_path_without_a_regular_file_is_the_callers_error()
    {
        foreach (string path in new[] { "", "/no/such/file.gguf", "/etc/passwd/model.gguf", Path.GetTempPath() })
            Assert.Equal(VaiError.FileNotFound, Assert.Throws<VaiUsageException>(() => GgufFile.Open(path)).Code);
    }

    [Fact]
    public void A_pipe_and_a_device_are_refused_without_waiting()
    {
        string pipe = Path.Combine(Path.GetTempPath(), $"vai-{Guid.NewGuid():n}");
        Assert.Equal(0, mkfifo(pipe, 0x180));
        try
        {
            foreach (string path in new[] { pipe, "/dev/zero", "/dev/null" })
                Assert.Contains("is not a regular file", Assert.Throws<VaiUsageException>(() => GgufFile.Open(path)).Message);
        }
        finally
        {
            File.Delete(pipe);
        }
    }

    [Fact]
    public void An_empty_file_is_refused()
    {
        using var empty = new TempFile([]);

        Assert.Contains("the file is empty", Assert.Throws<VaiModelException>(() => GgufFile.Open(empty.Path)).Message);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);
}
