using System.Text.Json;
using VAI.Daemon.Supervision.Engines;
using VAI.Daemon.Worker;

namespace VAI.Cli.Verbs.Serving;

/// <summary>The daemon's engine process, which <c>vai serve</c> starts. Not for people, so that it is not shown.</summary>
internal static class WorkerVerb
{
    public const string Name = "worker";

    private static readonly Option<string> Socket = new("--socket") { Required = true };
    private static readonly Option<string> Config = new("--config-json") { Required = true };

    public static Command Create()
    {
        var command = new Command(Name, "The engine process of 'vai serve'.") { Socket, Config };
        command.Hidden = true;
        command.Does((parsed, _) => WorkerHost.RunAsync(
            parsed.GetRequiredValue(Socket),
            JsonSerializer.Deserialize(parsed.GetRequiredValue(Config), WorkerJson.Default.WorkerConfig) ?? new WorkerConfig()));
        return command;
    }
}
