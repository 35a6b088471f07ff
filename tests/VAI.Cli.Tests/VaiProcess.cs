using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace VAI.Cli.Tests;

/// <summary>What one run of the real <c>vai</c> came to.</summary>
internal sealed record VaiRun(int ExitCode, string Out, string Error)
{
    /// <summary>Standard output as one JSON document; anything before or after it fails.</summary>
    public JsonElement Json
    {
        get
        {
            using var document = JsonDocument.Parse(Out);
            return document.RootElement.Clone();
        }
    }

    public void IsBadInput()
    {
        Assert.Equal((2, ""), (ExitCode, Out));
        Assert.NotEqual("", Error.Trim());
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", Error, StringComparison.Ordinal);
    }

    public void Has(params string[] names) => Has(Json, names);

    public static void Has(JsonElement element, params string[] names) =>
        Assert.Equal(names.Order(), element.EnumerateObject().Select(p => p.Name).Order());
}

/// <summary>A process that a test has stopped in the middle; it does not outlive the test.</summary>
internal sealed class Held(Process process) : IDisposable
{
    public Process Process { get; } = process;

    public void Kill()
    {
        Process.Kill();
        Process.WaitForExit();
    }

    public void Dispose()
    {
        if (!Process.HasExited)
            Kill();
        Process.Dispose();
    }
}

/// <summary>Starts <c>vai</c>, which the build put beside the tests, as a process of its own.</summary>
internal static partial class VaiProcess
{
    /// <summary>Where the ROMs of the tests go; it goes with this process.</summary>
    public static string RomDirectory { get; } = NewRomDirectory();

    /// <summary>The path of a ROM directory that does not exist yet and is removed in the end.</summary>
    public static string NewRomDirectory()
    {
        string path = $"/dev/shm/vai-cli-tests-{Environment.ProcessId}-{Guid.NewGuid():N}";
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
        };
        return path;
    }

    public static Task<VaiRun> RunAsync(params string[] arguments) => RunAsync([], arguments);

    public static Task<VaiRun> RunAsync((string Name, string Value)[] environment, params string[] arguments) =>
        EndAsync(Start(environment, arguments));

    /// <summary>Runs it with these lines on standard input.</summary>
    public static async Task<VaiRun> TellAsync(string[] lines, params string[] arguments)
    {
        Process process = StartTalking(arguments);
        foreach (string line in lines)
            await process.StandardInput.WriteLineAsync(line);
        return await EndAsync(process);
    }

    /// <summary>Starts it with standard input to write to.</summary>
    public static Process StartTalking(params string[] arguments) => Start([], talks: true, arguments);

    /// <summary>Waits for its end and disposes it.</summary>
    public static async Task<VaiRun> EndAsync(Process started)
    {
        using Process process = started;
        if (process.StartInfo.RedirectStandardInput)
            process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new VaiRun(process.ExitCode, await output, await error);
    }

    /// <summary>Interrupts a verbose benchmark of two models, waits for its end and disposes it.</summary>
    public static async Task<VaiRun> InterruptAsync(Process started)
    {
        // The second model's load is logged, so the handler is in place and the rounds are about to start.
        for (int loaded = 0; loaded < 2;)
        {
            string? line = await started.StandardError.ReadLineAsync();
            Assert.NotNull(line);
            loaded += line.StartsWith("Information:", StringComparison.Ordinal) && line.Contains(".gguf", StringComparison.Ordinal) ? 1 : 0;
        }

        Signal(started, "INT");
        return await EndAsync(started);
    }

    /// <summary>Sends a signal by its name, as INT: at once, as a process that is to be stopped in its middle may be near its end.</summary>
    public static void Signal(Process process, string signal) => Assert.Equal(0, kill(process.Id, signal switch
    {
        "INT" => 2,
        "CONT" => 18,
        "STOP" => 19,
        _ => throw new ArgumentOutOfRangeException(nameof(signal)),
    }));

    public static Process Start((string Name, string Value)[] environment, params string[] arguments) => Start(environment, talks: false, arguments);

    private static Process Start((string Name, string Value)[] environment, bool talks, string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet")
        {
            RedirectStandardInput = talks,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "vai.dll"));
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["VAI_ROM_DIR"] = RomDirectory;
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return Process.Start(start) ?? throw new InvalidOperationException("vai did not start.");
    }

    [LibraryImport("libc.so.6")]
    private static partial int kill(int pid, int signal);
}
