using System.CommandLine;
using VAI.Bench;
using VAI.Bench.Report;
using VAI.Daemon.Supervision;

namespace VAI.Cli.Verbs;

/// <summary>Holds a model until standard input ends, for the memory measure of the report. Not for people, so that it is not shown.</summary>
internal static class HoldVerb
{
    private const string Name = "hold";

    private static readonly Argument<string> Model = Common.File("MODEL", "The model.");

    /// <summary>How this program is started to hold a model.</summary>
    public static IReadOnlyList<string> Command()
    {
        WorkerCommand self = WorkerCommand.Self();
        return [self.Program, .. self.Arguments.SkipLast(1), Name];
    }

    public static Command Create()
    {
        var command = new Command(Name, "Hold a model.") { Model, Common.LoadProfile, Common.RomDirectory };
        command.Hidden = true;
        command.Does(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string file = parsed.GetRequiredValue(Model);
        await using IVai vai = Vai.Create(Common.RomOptions(parsed));
        ModelHandle handle = await vai.LoadAsync(
            new ModelOptions
            {
                Name = BenchModel.FromFiles(file, file).First.Name,
                File = file,
                ContextLength = 512,
                MaxSessions = 1,
                Profile = parsed.GetValue(Common.LoadProfile),
            },
            null,
            cancellation);

        // The first step of a model touches all of its weights.
        await using (IInferenceSession session = vai.Select(handle).OpenSession())
        {
            await foreach (InferenceUpdate _ in session.InferAsync("hold", InferenceOptions.Greedy with { MaxTokens = 2 }, cancellation))
            {
            }
        }

        Console.Out.WriteLine(HeldProcesses.Ready);
        await Console.In.ReadToEndAsync(cancellation);
        return Failure.Ok;
    }
}
