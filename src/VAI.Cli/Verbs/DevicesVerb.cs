using Microsoft.Extensions.Logging;

namespace VAI.Cli.Verbs;

internal static class DevicesVerb
{
    private static readonly Option<string?> Socket = Daemon.Path("--socket", "The Unix socket of a daemon that is to answer, with what its models have of each.");

    public static Command Create()
    {
        var command = new Command("devices", "Say what there is to compute on, by the names that --device takes.") { Socket };
        command.Does(async (parsed, cancellation) =>
        {
            using ILoggerFactory? log = Common.Log(parsed);
            await using IVai vai = parsed.GetValue(Socket) is { } socket ? Daemon.Connect(socket, log) : Vai.Create(Common.RomOptions(parsed), log);
            IReadOnlyList<ComputeDevice> devices = await vai.DevicesAsync(cancellation);
            return Documents.Answer(
                parsed, new DevicesDocument([.. devices.Select(Body)]), Documents.Default.DevicesDocument, d => Print(d.Devices));
        });
        return command;
    }

    private static ComputeDeviceBody Body(ComputeDevice d) =>
        new(d.Name, d.Backend, KindOf(d.Kind), d.Description, d.FreeMemory, d.TotalMemory, d.ModelMemory);

    private static string KindOf(ComputeDeviceKind kind) => kind switch
    {
        ComputeDeviceKind.Cpu => "cpu",
        ComputeDeviceKind.Gpu => "gpu",
        ComputeDeviceKind.IntegratedGpu => "integrated-gpu",
        _ => "accelerator",
    };

    private static void Print(IReadOnlyList<ComputeDeviceBody> devices)
    {
        foreach (ComputeDeviceBody d in devices)
        {
            Console.Out.WriteLine(
                $"{d.Name,-10} {d.Kind,-14} {d.Description}: {Format.Bytes(d.FreeMemory)} free of {Format.Bytes(d.TotalMemory)}"
                + (d.ModelMemory > 0 ? $", models have {Format.Bytes(d.ModelMemory)}" : ""));
        }
    }
}
