using System.CommandLine;
using VAI.Bench.Report;
using VAI.Daemon.Supervision.Engines;

namespace VAI.Cli.Verbs;

/// <summary>Holds a model until standard input ends, for the memory measure of the report. Not for people, so that it is not shown.</summary>
internal static class HoldVerb
{
    private const string Name = "hold";

    private static readonly Argument<string> Model = Common.File("MODEL", "The model.");
    private static readonly Option<bool> Own = new("--own") { Description = "By llama.cpp's own load rather than from a ROM." };

    /// <summary>How this program is started to hold a model.</summary>
    public static IReadOnlyList<string> Command()
    {
        WorkerCommand self = WorkerCommand.Self();
        return [self.Program, .. self.Arguments.SkipLast(1), Name];
    }

    public static Command Create()
    {
        var command = new Command(Name, "Hold a model.") { Model, Own, Common.RomDirectory };
        command.Hidden = true;
        command.Does(async (parsed, cancellation) =>
        {
            await Holder.HoldAsync(
                parsed.GetRequiredValue(Model),
                parsed.GetValue(Own),
                parsed.GetValue(Common.RomDirectory),
                async () =>
                {
                    Console.Out.WriteLine(Holder.Ready);
                    await Console.In.ReadToEndAsync(cancellation);
                },
                cancellation);
            return Failure.Ok;
        });
        return command;
    }
}
