using System.Globalization;
using VAI.Native.Abi;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Tests.Memory;

/// <summary>llama.cpp's own buffers, in this process.</summary>
public sealed class HugeBuffersTests
{
    private const int CpuDevice = 0;

    /// <summary>A tripwire: the table of functions of this build is the one that is known.</summary>
    [Fact]
    public void They_are_asked_for_where_the_kernel_gives_them()
    {
        NativeLoader.EnsureLoaded();
        Assert.Equal(HugePages.AreAdvised, HugeBuffers.Are);
    }

    [Theory]
    [InlineData(64 << 20, true)]
    [InlineData(4 << 20, false)]
    public unsafe void A_large_buffer_is_in_huge_pages_and_a_small_one_is_not(int length, bool huge)
    {
        NativeLoader.EnsureLoaded();
        if (!HugePages.AreAdvised)
            return;
        nint type = GgmlNative.ggml_backend_dev_buffer_type(GgmlNative.ggml_backend_dev_by_type(CpuDevice));
        nint buffer = GgmlNative.ggml_backend_buft_alloc_buffer(type, (nuint)length);
        try
        {
            byte* start = GgmlNative.ggml_backend_buffer_get_base(buffer);
            Assert.Equal(huge, IsAdvised((nint)start + (length / 2)));
        }
        finally
        {
            GgmlNative.ggml_backend_buffer_free(buffer);
        }
    }

    // "hg" among the flags of its mapping (proc_pid_smaps(5)).
    private static bool IsAdvised(nint address)
    {
        bool within = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            string first = line.Split(' ')[0];
            if (first.Split('-') is [var from, var to])
                within = (ulong)address >= Hex(from) && (ulong)address < Hex(to);
            else if (within && first == "VmFlags:")
                return line.Split(' ').Contains("hg");
        }

        return false;
    }

    private static ulong Hex(string digits) => ulong.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
