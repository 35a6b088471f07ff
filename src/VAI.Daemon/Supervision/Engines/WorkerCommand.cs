using System.Runtime.CompilerServices;

namespace VAI.Daemon.Supervision.Engines;

/// <summary>How an engine process is started: a program and its first arguments.</summary>
internal sealed record WorkerCommand(string Program, IReadOnlyList<string> Arguments)
{
    // In a process that is about to become the new one it is still the old one's.
    private const string RunningImage = "/proc/self/exe";

    /// <summary>
    /// This program again, with the verb <c>worker</c>: the image that runs, where all of it is in one file, so that replacing that file changes
    /// nothing until the daemon is started anew; else <c>vai</c> itself, or <c>dotnet vai.dll</c>, whose build is compared when it greets.
    /// </summary>
    public static WorkerCommand Self()
    {
        string program = Environment.ProcessPath ?? "vai";
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
            return new WorkerCommand(program, [Path.Combine(AppContext.BaseDirectory, "vai.dll"), "worker"]);
        return new WorkerCommand(!RuntimeFeature.IsDynamicCodeSupported && File.Exists(RunningImage) ? RunningImage : program, ["worker"]);
    }
}
