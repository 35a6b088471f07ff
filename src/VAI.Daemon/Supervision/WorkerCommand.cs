namespace VAI.Daemon.Supervision;

/// <summary>How an engine process is started: a program and its first arguments.</summary>
internal sealed record WorkerCommand(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>
    /// This program again, with the verb <c>worker</c>: <c>vai</c> itself, or <c>dotnet vai.dll</c>.
    /// </summary>
    public static WorkerCommand Self()
    {
        string program = Environment.ProcessPath ?? "vai";
        return Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? new WorkerCommand(program, [Path.Combine(AppContext.BaseDirectory, "vai.dll"), "worker"])
            : new WorkerCommand(program, ["worker"]);
    }
}
