namespace VAI.Native.Tests.Gguf;

/// <summary>Each rule of the reader: a file that breaks it alone ends in one error that names the field and the byte.</summary>
public class GgufRulesTests
{
    private static readonly uint F32 = (uint)GgmlType.F32;

    [Fact]
    public void Magic() => Refuse("GGML\u0003\0\0\0"u8.ToArray(), "magic at byte 0: this is not a GGUF file");

    [Theory]
    [InlineData(1u, "GGUF version 1 is no longer read. Convert")]
    [InlineData(0x03000000u, "the file is big-endian. Download a little-endian file")]
    [InlineData(4u, "GGUF version 4 is not 2 or 3. Use a newer VAI")]
    public void Version(uint version, string words) =>
        Refuse(new GgufBytes { Version = version }.Build(), "version at byte 4: " + words);

    [Fact]
    public void Tensor_count() => Refuse(new GgufBytes { TensorCount = 1ul << 63 },
        "tensor count", "header tensor count", "9223372036854775808 is more than 16384");

    [Fact]
    public void Metadata_count_over_the_limit() => Refuse(new GgufBytes { MetadataCount = 1ul << 32 },
        "metadata count", "header metadata count", "4294967296 is more than 8192");

    [Fact]
    public void Metadata_count_over_the_file() => Refuse(new GgufBytes { MetadataCount = 2 },
        "metadata count", "header metadata count", "2 does not fit into the 0 bytes");

    [Fact]
    public void Key_length() => Refuse(new GgufBytes().UInt(new string('k', 65536), 1),
        new string('k', 65536) + " name", "metadata key 0 name", "its length 65536 is not in 1..65535");

    [Fact]
    public void Key_empty() => Refuse(new GgufBytes().UInt("", 1), " name", "metadata key 0 name", "its length 0 is not in 1..");

    [Fact]
    public void Key_UTF8()
    {
        var bytes = new GgufBytes().UInt("key", 1);
        byte[] file = bytes.Build();
        file[bytes.OffsetOf("key name") + 8] = 0xFF;
        Refuse(file, $"metadata key 0 name at byte {bytes.OffsetOf("key name")}: it is not UTF-8");
    }

    [Fact]
    public void Key_NUL() => Refuse(new GgufBytes().UInt("k\0", 1), "k\0 name", "metadata key 0 name", "it has a NUL in it");

    [Fact]
    public void Key_unique()
    {
        var bytes = new GgufBytes().UInt("key", 1).UInt("key", 2);
        byte[] file = bytes.Build();
        int at = bytes.Fields.Last(f => f.Name == "key name").Offset;
        Refuse(file, $"metadata key 'key' name at byte {at}: it appears a second time");
    }

    [Fact]
    public void Keys_together()
    {
        var bytes = new GgufBytes();
        for (int i = 0; i < 65; i++)
            bytes.UInt(i.ToString("d4") + new string('k', 65500), 1);
        Assert.Contains("the keys so far take more than 4194304 bytes", Refuse(bytes.Build(), "metadata key '0064kk").Message);
    }

    [Fact]
    public void Value_type() => Refuse(new GgufBytes().Value("key", (GgufValueType)13, 0),
        "key type", "metadata key 'key' type", "there is no value type 13");

    [Fact]
    public void Value_bool() => Refuse(new GgufBytes().Value("key", GgufValueType.Bool, 2),
        "key value", "metadata key 'key' value", "a bool is 0 or 1, not 2");

    [Fact]
    public void Value_string_length()
    {
        byte[] claim = [.. GgufBytes.Bytes(100_000_000), .. GgufBytes.Bytes(0)];
        Refuse(new GgufBytes().Value("key", GgufValueType.String, claim),
            "key value", "metadata key 'key' value", "its length 100000000 passes the 0 bytes");
    }

    [Fact]
    public void Array_element_type() => Refuse(new GgufBytes().Array("key", (GgufValueType)99, 0),
        "key element type", "metadata key 'key' element type", "there is no value type 99");

    [Fact]
    public void Array_nested() => Refuse(new GgufBytes().Array("key", GgufValueType.Array, 0),
        "key element type", "metadata key 'key' element type", "arrays of arrays");

    [Fact]
    public void Array_count() => Refuse(new GgufBytes().Array("key", GgufValueType.Float64, (1ul << 61) + 1, new byte[8]),
        "key element count", "metadata key 'key' element count", "2305843009213693953 is more than 2147483647");

    [Fact]
    public void Array_bool()
    {
        var bytes = new GgufBytes().Array("key", GgufValueType.Bool, 3, 0, 1, 255);
        byte[] file = bytes.Build();
        Refuse(file, $"metadata key 'key' element 2 at byte {file.Length - 1}: a bool is 0 or 1, not 255");
    }

    [Fact]
    public void Array_string_length()
    {
        var bytes = new GgufBytes().Strings("key", "a", "b", "c");
        byte[] file = bytes.Build();
        file[bytes.OffsetOf("key element 1") + 7] = 0x80;
        Refuse(file, $"metadata key 'key' element 1 at byte {bytes.OffsetOf("key element 1")}: the string passes the end");
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(4u)]
    [InlineData(48u)]
    [InlineData(1u << 31)]
    public void Alignment(uint alignment) => Refuse(new GgufBytes().UInt("general.alignment", alignment),
        "general.alignment value", "metadata key 'general.alignment' value", $"{alignment} is not a power of two in 8..2097152");

    [Fact]
    public void Alignment_type() => Refuse(new GgufBytes().Text("general.alignment", "64"),
        "general.alignment value", "metadata key 'general.alignment' value", "it is String, not UInt32", shift: 8);

    [Fact]
    public void Tensor_name() => Refuse(new GgufBytes().Tensor(new string('t', 64), GgmlType.F32, 1),
        new string('t', 64) + " name", "tensor 0 name", "its length 64 is not in 1..63");

    [Fact]
    public void Tensor_unique()
    {
        var bytes = new GgufBytes().Tensor("t", GgmlType.F32, 1).Tensor("t", GgmlType.F32, 1);
        byte[] file = bytes.Build();
        Refuse(file, $"tensor 't' name at byte {bytes.Fields.Last(f => f.Name == "t name").Offset}: it appears a second time");
    }

    [Fact]
    public void Tensor_rank() => Refuse(new GgufBytes().Tensor("t", GgmlType.F32, 1, 1, 1, 1, 1),
        "t dimension count", "tensor 't' dimension count", "5 is more than 4");

    [Theory]
    [InlineData(0ul)]
    [InlineData(1ul << 63)]
    public void Tensor_dimension(ulong dimension) => Refuse(new GgufBytes().Tensor("t", GgmlType.F32, 2, dimension),
        "t dimension 1", "tensor 't' dimension 1", $"{dimension} is not in 1..9223372036854775807");

    [Fact]
    public void Tensor_elements() => Refuse(new GgufBytes().Tensor("t", F32, 0, 1ul << 32, 1ul << 32),
        "t dimension 1", "tensor 't' dimension 1", "4294967296 makes more than 9223372036854775807 elements");

    // 2^62 four-byte elements are 2^64 bytes: 0 where the product wraps.
    [Fact]
    public void Tensor_bytes_that_wrap() => Refuse(new GgufBytes().Tensor("t", F32, 0, 1ul << 31, 1ul << 31),
        "t dimension 0", "tensor 't' dimensions", "the data would take 18446744073709551616 bytes");

    [Theory]
    [InlineData(4u, "llama.cpp removed tensor type 4")]
    [InlineData(43u, "there is no tensor type 43")]
    public void Tensor_type(uint type, string words) => Refuse(new GgufBytes().Tensor("t", type, 0, 32),
        "t type", "tensor 't' type", words);

    [Fact]
    public void Tensor_row() => Refuse(new GgufBytes().Tensor("t", GgmlType.Q4_K, 128, 2),
        "t dimension 0", "tensor 't' dimension 0", "128 is not a multiple of 256, the block of Q4_K");

    [Fact]
    public void Tensor_aligned() => Refuse(new GgufBytes().Tensor("t", F32, 4, 1),
        "t offset", "tensor 't' offset", "4 is not a multiple of the alignment 32");

    [Theory]
    [InlineData(32ul)]
    [InlineData(long.MaxValue - 31ul)]
    [InlineData(1ul << 63)]
    public void Tensor_inside(ulong offset) => Refuse(new GgufBytes().Tensor("first", GgmlType.F32, 8).Tensor("t", F32, offset, 8),
        "t offset", "tensor 't' offset", offset > long.MaxValue ? $"{offset} is not in 0.." : $"32 bytes at {offset} of the data do not fit into the 32");

    [Fact]
    public void Tensors_apart() => Refuse(new GgufBytes().Tensor("a", GgmlType.F32, 16).Tensor("b", F32, 32, 8),
        "b offset", "tensor 'b' offset", "its data overlaps that of 'a'");

    [Fact]
    public void A_hostile_name_cannot_act_on_a_terminal()
    {
        var error = Refuse(new GgufBytes().Value("\u001b[2J\u202e" + new string('x', 200), (GgufValueType)50).Build(), "there is no value type");
        Assert.DoesNotContain(error.Message, c => char.IsControl(c) || c == '\u202e');
        Assert.True(error.Message.Length < 300);
    }

    [Fact]
    public void Every_truncation_is_refused_or_harmless()
    {
        byte[] whole = GgufSamples.Llama().Build();
        int harmless = 0;
        for (int length = 0; length < whole.Length; length++)
        {
            try
            {
                using var file = GgufFile.Parse(whole.AsMemory(0, length), "cut");
                harmless++;
            }
            catch (VaiModelException e)
            {
                Assert.Equal(VaiError.MalformedModel, e.Code);
                Assert.Contains(" at byte ", e.Message);
            }
        }

        // Its last byte is a tensor's, so every one is needed.
        Assert.Equal(0, harmless);
    }

    private static void Refuse(GgufBytes bytes, string at, string field, string words, int shift = 0)
    {
        byte[] file = bytes.Build();
        Refuse(file, $"{field} at byte {bytes.OffsetOf(at) + shift}: {words}");
    }

    private static VaiModelException Refuse(byte[] file, string words)
    {
        var error = Assert.Throws<VaiModelException>(() => GgufFile.Parse(file, "broken.gguf"));
        Assert.Equal(VaiError.MalformedModel, error.Code);
        Assert.StartsWith("broken.gguf: ", error.Message);
        Assert.Contains(words, error.Message);
        return error;
    }
}
