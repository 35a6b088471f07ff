using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using VAI.Cli.Tests;

namespace VAI.Package.Tests;

/// <summary>Which llama.cpp an application computes with, by the packages that it has: its own, LLamaSharp's, one for a GPU.</summary>
[Collection(nameof(Packages))]
public sealed partial class NativeSourceTests(Packages packages) : IDisposable
{
    private const string Program = """
        using VAI;

        DiagnosticReport report = Vai.Diagnose();
        Console.WriteLine($"source: {report.LibrarySource}");
        Console.WriteLine($"cost: {report.LibraryCost}");
        Console.WriteLine($"fix: {report.Fix}");
        foreach (ProbedLibrary p in report.Probed)
            Console.WriteLine($"{p.Source} | {p.Outcome}");
        await using IVai vai = Vai.Create(o => o.AddModel("model", args[0]));
        await vai.LoadAsync("model");
        await using IInferenceSession session = vai.Select("model").OpenSession();
        await foreach (InferenceUpdate update in session.InferAsync("Write a Verilog AND gate.", new InferenceOptions { MaxTokens = 16 }))
        {
            if (update.Result is { } r)
                Console.WriteLine($"tokens: {r.GeneratedTokens}");
        }
        """;

    private static readonly string Runtime = $"linux-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-natives-");

    private string LLamaSharp { get; } =
        LLamaSharpVersion().Match(File.ReadAllText(Path.Combine(Documentation.Root, "Directory.Packages.props"))) is { Success: true } m
            ? $"""<PackageReference Include="LLamaSharp.Backend.Cpu" Version="{m.Groups[1].Value}" />"""
            : throw new InvalidOperationException("Directory.Packages.props names no version of LLamaSharp.Backend.Cpu.");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task LLamaSharps_package_alone_runs_a_model()
    {
        string without = $"""<PackageReference Include="VAI.Native" Version="{packages.Version}" ExcludeAssets="native" />""";
        string at = await BuildAsync("build", [LLamaSharp, without]);
        Assert.Empty(Directory.GetFiles(at, "libllama.v*", SearchOption.AllDirectories));
        string said = await RunAsync(at);
        Assert.Matches("source: LLamaSharp", said);
        if (Regex.IsMatch(await File.ReadAllTextAsync("/proc/cpuinfo"), "avx512_vnni|avx_vnni"))
            Assert.Matches("cost: .*without VNNI", said);
    }

    /// <summary>VAI.Native has kernels for each CPU; LLamaSharp's were built without VNNI.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_both_the_faster_is_taken_and_said(bool published)
    {
        string at = await BuildAsync(published ? "publish" : "build", [LLamaSharp]);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(at, "runtimes", Runtime, "native"), "libllama.so", SearchOption.AllDirectories));
        string said = await RunAsync(at);
        Assert.Matches("source: VAI.Native\n", said);
        Assert.Matches("cost: \n", said);
        Assert.Matches(@"LLamaSharp.* \| not taken: VAI.Native comes before it", said);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_package_for_a_gpu_is_taken_in_place_of_the_cpus(bool published)
    {
        if (Runtime != "linux-x64")
            return;
        string at = await BuildAsync(published ? "publish" : "build", [LLamaSharp, $"""<PackageReference Include="VAI.Native.Vulkan" Version="{packages.Version}" />"""]);
        string own = Path.Combine(at, published ? "" : $"runtimes/{Runtime}/native/vai"), gpu = Path.Combine(at, "runtimes/linux-x64/native/vai-vulkan");
        Assert.All(["libllama.vulkan.v0.5.0.so", "libggml-vulkan.so", "libggml-base.so"], f => Assert.True(File.Exists(Path.Combine(gpu, f)), f));
        Assert.True(File.Exists(Path.Combine(own, "libllama.v0.5.0.so")));
        Assert.False(File.Exists(Path.Combine(own, "libggml-vulkan.so")));
        string said = await RunAsync(at);
        if (NativeLibrary.TryLoad("libvulkan.so.1", out _))
        {
            Assert.Matches("source: VAI.Native.Vulkan\n", said);
            Assert.Matches(@"VAI.Native \| not taken: VAI.Native.Vulkan comes before it", said);
            return;
        }

        Assert.Matches("source: VAI.Native\n", said);
        Assert.Matches("fix: .*VAI.Native.Vulkan lacks .*libvulkan.so.1", said);
    }

    [Fact]
    public async Task A_build_may_take_its_libraries_from_LLamaSharp()
    {
        string artifacts = Path.Combine(_directory.FullName, "artifacts");
        await ShellAsync(
            Documentation.Root,
            [
                "build", "samples/HelloVai", "-c", "Release", "-p:VaiNativeSource=LLamaSharp", "-p:RunAnalyzers=false", "-nodeReuse:false", "--artifacts-path", artifacts,
            ]);
        string at = Path.Combine(artifacts, "bin", "HelloVai", "release");
        string[] libraries = [.. Directory.GetFiles(at, "libllama*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(at, f))];
        Assert.All(libraries, f => Assert.Matches($"^runtimes/{Runtime}/native/.*libllama.so$", f));
        Assert.Contains("tok/s", await RunAsync(at, "HelloVai", "64 tokens"), StringComparison.Ordinal);
    }

    [GeneratedRegex("""Include="LLamaSharp\.Backend\.Cpu" Version="([^"]+)""")]
    private static partial Regex LLamaSharpVersion();

    // An application with VAI.Core and more, in a folder that knows nothing of this repository.
    private async Task<string> BuildAsync(string verb, string[] references)
    {
        await File.WriteAllTextAsync(At("nuget.config"), $"""<configuration><packageSources><add key="vai" value="{packages.Folder}" /></packageSources></configuration>""");
        await File.WriteAllTextAsync(At("Program.cs"), Program);
        await File.WriteAllTextAsync(At("App.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <InvariantGlobalization>true</InvariantGlobalization>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="VAI.Core" Version="{packages.Version}" />
                {string.Concat(references)}
              </ItemGroup>
            </Project>
            """);
        string[] runtime = verb == "publish" ? ["-r", Runtime, "--self-contained", "false"] : [];
        await ShellAsync(_directory.FullName, [verb, "App.csproj", "-c", "Release", "-o", At("out"), "-nodeReuse:false", .. runtime]);
        return At("out");
    }

    private async Task ShellAsync(string directory, string[] arguments)
    {
        VaiRun run = await Shell.RunAsync(directory, "dotnet", arguments, packages.Environment);
        Assert.True(run.ExitCode == 0, run.Out + run.Error);
        Assert.DoesNotContain("warning", run.Out.Replace("0 Warning(s)", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
    }

    private async Task<string> RunAsync(string directory, string program = "App", string says = "tokens: 16\n")
    {
        string model = At("tiny.gguf");
        VaiRun forged = await VaiProcess.RunAsync("forge", "tiny", model);
        Assert.True(forged.ExitCode == 0, forged.Error);
        VaiRun run = await Shell.RunAsync(directory, "dotnet", [$"{program}.dll", model], ("VAI_ROM_DIR", At("roms")), ("VAI_LLAMA_DIR", ""));
        Assert.True(run.ExitCode == 0, run.Out + run.Error);
        Assert.Contains(says, run.Out, StringComparison.Ordinal);
        return run.Out;
    }

    private string At(string name) => Path.Combine(_directory.FullName, name);
}
