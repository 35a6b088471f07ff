using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using VAI.Cli.Tests;

namespace VAI.Package.Tests;

/// <summary>What the packages hold, and that a machine without this repository gets a first token out of them.</summary>
[Collection(nameof(Packages))]
public sealed class PackageTests(Packages packages)
{
    private const string Quickstart = "docs/quickstart.md";

    private const string Tool = "tools/net10.0/any/";

    private static readonly string Runtime = $"linux-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
    private static readonly string Compiled = $"tools/any/{Runtime}/";
    private static readonly string[] Notices = ["notices/SkiaSharp.txt", "notices/ScottPlot.txt", "notices/HarfBuzzSharp.txt"];

    public static TheoryData<string, string[]> Contents => new()
    {
        { "VAI.Native", ["lib/net10.0/VAI.Native.dll", "lib/net10.0/VAI.Native.xml", .. Libraries("")] },
        { "VAI.Native.Vulkan", ["buildTransitive/VAI.Native.Vulkan.targets", .. Gpu("libllama.vulkan.v0.5.0.so", "libggml-vulkan.so", "libggml-cpu-haswell.so")] },
        { "VAI.Core", ["lib/net10.0/VAI.Core.dll", "lib/net10.0/VAI.Core.xml"] },
        { "vai", ["tools/any/any/DotnetToolSettings.xml"] },
        { "vai.any", [Tool + "vai.dll", Tool + "VAI.Core.dll", Tool + "DotnetToolSettings.xml", .. Notices, .. Libraries(Tool)] },
        { "vai." + Runtime, [Compiled + "vai", Compiled + "DotnetToolSettings.xml", .. Notices, .. Libraries(Compiled)] },
    };

    [Theory]
    [MemberData(nameof(Contents))]
    public void A_package_holds_its_files_and_the_notices(string id, string[] files)
    {
        using ZipArchive package = packages.Open(id);
        string[] all = [.. package.Entries.Select(e => e.FullName)];
        Assert.All([.. files, "README.md", "LICENSE", "THIRD-PARTY-NOTICES.txt"], f => Assert.Contains(f, all));
        Assert.All(all.Where(f => f.Contains("/native/", StringComparison.Ordinal)), f => Assert.Matches("(runtimes/linux-(x64|arm64)/native/vai|natives/linux-x64/native/vai-vulkan)/|libHarfBuzzSharp|libSkiaSharp", f));
        Assert.DoesNotContain(all, f => Path.GetExtension(f) is ".node" or ".pdb" or ".dbg");
    }

    [Theory]
    [InlineData("VAI.Native", "lib/net10.0/VAI.Native.dll")]
    [InlineData("VAI.Core", "lib/net10.0/VAI.Core.dll")]
    [InlineData("vai.any", Tool + "vai.dll")]
    public void Symbols_are_in_the_assembly_and_name_no_folder_of_this_machine(string id, string file)
    {
        using ZipArchive package = packages.Open(id);
        using var copy = new MemoryStream();
        using (Stream entry = package.GetEntry(file)!.Open())
            entry.CopyTo(copy);
        copy.Position = 0;
        using var pe = new PEReader(copy);
        DebugDirectoryEntry[] entries = [.. pe.ReadDebugDirectory()];
        Assert.Contains(entries, e => e.Type == DebugDirectoryEntryType.Reproducible);
        DebugDirectoryEntry embedded = Assert.Single(entries, e => e.Type == DebugDirectoryEntryType.EmbeddedPortablePdb);
        using MetadataReaderProvider symbols = pe.ReadEmbeddedPortablePdbDebugDirectoryData(embedded);
        MetadataReader reader = symbols.GetMetadataReader();
        string[] documents = [.. reader.Documents.Select(d => reader.GetString(reader.GetDocument(d).Name))];
        Assert.Contains(documents, d => d.StartsWith("/_/src/", StringComparison.Ordinal));
        Assert.DoesNotContain(documents, d => d.StartsWith(Documentation.Root, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("VAI.Native")]
    [InlineData("VAI.Core")]
    [InlineData("vai")]
    [InlineData("vai.any")]
    public async Task The_notices_name_what_is_bundled(string id)
    {
        string notices = await packages.TextAsync(id, "THIRD-PARTY-NOTICES.txt");
        Assert.All(
            ["The ggml authors", "Mozilla Foundation", "Gilad S.", "Spectre.Console", "System.CommandLine", "THE SOFTWARE IS PROVIDED"],
            n => Assert.Contains(n, notices, StringComparison.Ordinal));
        string nuspec = await packages.TextAsync(id, $"{id}.nuspec");
        Assert.Contains("<license type=\"expression\">MIT</license>", nuspec, StringComparison.Ordinal);
        Assert.Contains("<readme>README.md</readme>", nuspec, StringComparison.Ordinal);
        Assert.Contains("<tags>llm ", nuspec, StringComparison.Ordinal);
    }

    [Fact]
    public void The_tool_of_this_machine_is_compiled_ahead_of_time()
    {
        using ZipArchive package = packages.Open("vai." + Runtime);
        Assert.DoesNotContain(package.Entries, e => e.FullName.EndsWith(".dll", StringComparison.Ordinal));
        using Stream program = package.GetEntry(Compiled + "vai")!.Open();
        byte[] magic = new byte[4];
        program.ReadExactly(magic);
        Assert.Equal("\u007fELF"u8.ToArray(), magic);
    }

    [Fact]
    public async Task The_quickstart_runs_from_the_packages_in_an_empty_folder()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("vai-quickstart-");
        try
        {
            VaiRun run = await Documentation.Read(Quickstart).RunAsync(directory.FullName, packages.Environment);
            Assert.True(run.ExitCode == 0, $"{run.ExitCode}:\n{run.Out}\n{run.Error}");
            Assert.Matches(@"tok/s", run.Error);
            Assert.Matches(@"\d+ tokens, the first after [\d.]+ ms", run.Out);
            Assert.Contains("chat.completion", run.Out, StringComparison.Ordinal);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void The_first_token_takes_three_commands()
    {
        string[] script = Documentation.Read(Quickstart).Script.Split('\n');
        string[] first = [.. script.TakeWhile(l => !l.Contains(" run ", StringComparison.Ordinal))];
        Assert.Equal(2, first.Length);
    }

    private static string[] Libraries(string under) =>
    [
        .. new[] { "linux-x64", "linux-arm64" }.SelectMany(rid => new[] { "libllama.v0.5.0.so", "libggml-base.so", "LICENSE.llama.cpp.txt" }
            .Select(f => $"{under}runtimes/{rid}/native/vai/{f}")),
    ];

    private static string[] Gpu(params string[] files) =>
        [.. files.Concat(["libggml-base.so", "LICENSE.llama.cpp.txt"]).Select(f => $"natives/linux-x64/native/vai-vulkan/{f}")];
}
