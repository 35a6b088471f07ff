using System.Diagnostics;

namespace VAI.Cli;

/// <summary>benchmarks/VAI.Benchmarks.LLamaSharp, which no part of VAI refers to: found, or built.</summary>
internal static class LlamaSharpProgram
{
    private const string Project = ".csproj";

    /// <summary>How it is started.</summary>
    /// <param name="path">A project file, an assembly or a program.</param>
    /// <param name="cancellation">Ends the build.</param>
    /// <exception cref="VaiUsageException">There is no such file.</exception>
    /// <exception cref="VaiEngineException">It cannot be built.</exception>
    public static async Task<IReadOnlyList<string>> OfAsync(string path, CancellationToken cancellation)
    {
        path = Path.GetFullPath(path);
        if (!File.Exists(path))
        {
            throw new VaiUsageException(
                VaiError.FileNotFound, $"--llamasharp is '{path}', which is no file. Give benchmarks/VAI.Benchmarks.LLamaSharp/VAI.Benchmarks.LLamaSharp.csproj, or leave it out.");
        }

        if (path.EndsWith(Project, StringComparison.Ordinal))
            path = await BuildAsync(path, cancellation);
        return path.EndsWith(".dll", StringComparison.Ordinal) ? ["dotnet", path] : [path];
    }

    private static async Task<string> BuildAsync(string project, CancellationToken cancellation)
    {
        string name = Path.GetFileNameWithoutExtension(project), place = Path.Combine(Path.GetDirectoryName(project)!, "bin", "report");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        foreach (string argument in (string[])["build", project, "-c", "Release", "-o", place, "-v", "quiet", "-nologo"])
            start.ArgumentList.Add(argument);
        using Process build = Process.Start(start)!;
        string said = await build.StandardOutput.ReadToEndAsync(cancellation);
        await build.WaitForExitAsync(cancellation);
        return build.ExitCode == 0
            ? Path.Combine(place, name + ".dll")
            : throw new VaiEngineException(VaiError.NativeFailure, $"'{project}' cannot be built: {said.Trim()}");
    }
}
