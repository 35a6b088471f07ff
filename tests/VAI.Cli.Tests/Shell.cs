using System.Collections;
using System.Diagnostics;

namespace VAI.Cli.Tests;

/// <summary>Runs commands as a user's terminal would: none of what the test host's own build left in the environment.</summary>
internal static class Shell
{
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(15);

    /// <summary>Runs a script of bash, which ends at the first command that fails; its children end with it.</summary>
    public static Task<VaiRun> RunAsync(string directory, string script, params (string Name, string Value)[] environment)
    {
        // A daemon that a script left in the background is a job of its shell.
        const string Frame = "set -exo pipefail; trap 's=$?; set +e; kill $(jobs -p) 2>/dev/null; wait; exit $s' EXIT\n";
        return RunAsync(directory, "bash", ["-c", Frame + script], environment);
    }

    public static async Task<VaiRun> RunAsync(
        string directory, string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            string name = (string)variable.Key;
            if (name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase))
                start.Environment.Remove(name);
        }

        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Most);
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
        Task<string> error = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return new VaiRun(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end.");
        }
    }
}
