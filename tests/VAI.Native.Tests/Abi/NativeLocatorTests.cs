using VAI.Native.Abi;
using VAI.Native.Machine;

namespace VAI.Native.Tests.Abi;

/// <summary>Which libraries an application gets that has several of them: the folders of packages, made of empty files.</summary>
public sealed class NativeLocatorTests : IDisposable
{
    private const string Avx2 = "fpu avx avx2 fma f16c bmi2";
    private const string Avx512 = Avx2 + " avx512f avx512bw avx512cd avx512dq avx512vl";

    private readonly DirectoryInfo _application = Directory.CreateTempSubdirectory("vai-locator-");

    private string Native => Path.Combine(_application.FullName, "runtimes", NativeLocator.RuntimeIdentifier, "native");

    public void Dispose() => _application.Delete(recursive: true);

    [Theory]
    [InlineData("avx512", Avx512 + " avx512_vnni")]
    [InlineData("avx2", Avx2 + " avx512f avx512cd")]
    [InlineData("avx2", Avx2)]
    [InlineData("avx", "fpu avx avx2")]
    [InlineData("noavx", "fpu sse4_2")]
    [InlineData("noavx", "")]
    public void The_best_variant_that_the_cpu_can_run_is_chosen(string variant, string flags)
    {
        if (IsArm)
            return;
        LLamaSharp();
        Assert.Equal(Path.Combine(Native, variant), NativeLocator.LLamaSharpVariant(Native, new CpuFlags(flags)));
    }

    [Fact]
    public void A_variant_that_is_not_there_is_not_chosen()
    {
        if (IsArm)
            return;
        LLamaSharp();
        Directory.Delete(Path.Combine(Native, "avx512"), recursive: true);
        Assert.Equal(Path.Combine(Native, "avx2"), NativeLocator.LLamaSharpVariant(Native, new CpuFlags(Avx512)));
        Assert.Null(NativeLocator.LLamaSharpVariant(_application.FullName, new CpuFlags(Avx512)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void VAIs_own_come_before_LLamaSharps_wherever_a_publish_puts_them(bool flat)
    {
        LLamaSharp();
        Put(flat ? "." : $"runtimes/{NativeLocator.RuntimeIdentifier}/native/vai", "libllama.v0.5.0.so", "libggml.v0.5.0.so", "libggml-base.so");
        Assert.Equal("VAI.Native", Found()[0].Source);
        Assert.StartsWith("LLamaSharp", Found()[^1].Source, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gpus_come_first_and_last_without_their_gpu()
    {
        LLamaSharp();
        Put($"runtimes/{NativeLocator.RuntimeIdentifier}/native/vai", "libllama.v0.5.0.so");
        foreach (string backend in new[] { "vulkan", "cuda" })
            Put($"runtimes/{NativeLocator.RuntimeIdentifier}/native/vai-{backend}", $"libllama.{backend}.v0.5.0.so", $"libggml-{backend}.so");
        NativeCandidate[] found = Found();
        Assert.Equal(
            ["VAI.Native.Cuda", "VAI.Native.Vulkan", "VAI.Native", "VAI.Native.Cuda without its GPU", "VAI.Native.Vulkan without its GPU"],
            found.SkipLast(1).Select(c => c.Source));
        Assert.Equal(["ggml-cuda", "ggml-vulkan", null, null, null], found.SkipLast(1).Select(c => c.Gpu));
    }

    [Fact]
    public void LLamaSharps_for_a_gpu_take_the_kernels_of_its_package_for_the_cpu()
    {
        if (IsArm)
            return;
        LLamaSharp();
        foreach (string folder in new[] { "vulkan", "cuda12" })
            Put($"runtimes/{NativeLocator.RuntimeIdentifier}/native/{folder}", "libllama.so", "libggml.so", "libggml-base.so", $"libggml-{folder.TrimEnd('1', '2')}.so");
        NativeCandidate[] found = Found();
        Assert.Equal(["LLamaSharp cuda12", "LLamaSharp vulkan", "LLamaSharp avx2"], found.Select(c => c.Source));
        Assert.Equal([Path.Combine(Native, "avx2"), Path.Combine(Native, "avx2"), null], found.Select(c => c.Kernels));
    }

    private static bool IsArm => NativeLocator.RuntimeIdentifier == "linux-arm64";

    private NativeCandidate[] Found() =>
        [.. NativeLocator.Beside(_application.FullName, new CpuFlags(Avx2)).Where(c => NativeLocator.Find(c.Directory, "llama") is not null)];

    // As LLamaSharp.Backend.Cpu is laid out beside an application.
    private void LLamaSharp()
    {
        string native = $"runtimes/{NativeLocator.RuntimeIdentifier}/native";
        foreach (string folder in IsArm ? [native] : new[] { "noavx", "avx", "avx2", "avx512" }.Select(v => $"{native}/{v}"))
            Put(folder, "libllama.so", "libggml.so", "libggml-base.so", "libggml-cpu.so", "libmtmd.so");
    }

    private void Put(string folder, params string[] files)
    {
        DirectoryInfo at = Directory.CreateDirectory(Path.Combine(_application.FullName, folder));
        foreach (string file in files)
            File.WriteAllText(Path.Combine(at.FullName, file), "");
    }
}
