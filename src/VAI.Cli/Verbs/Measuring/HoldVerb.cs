using VAI.Bench.Report;
using VAI.Daemon.Supervision.Engines;

namespace VAI.Cli.Verbs.Measuring;

/// <summary>Holds models until standard input ends, and measures when told to, for the report. Not for people, so that it is not shown.</summary>
internal static class HoldVerb
{
    private static readonly Argument<string[]> Models = new("MODEL") { Description = "The models.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<bool> Own = new("--own") { Description = "By llama.cpp's own load rather than from a ROM." };
    private static readonly Option<int> Tokens = Common.Number("--tokens", "Tokens of the first requests, whose speed is measured; 0 for none.", 0);

    /// <summary>How this program is started, before a verb.</summary>
    public static IReadOnlyList<string> Program()
    {
        // What the link of a running image leads to is this one only for this process, and for those that it starts itself.
        WorkerCommand self = WorkerCommand.Self();
        string program = self.Program.StartsWith("/proc/self/", StringComparison.Ordinal) ? Environment.ProcessPath! : self.Program;
        return [program, .. self.Arguments.SkipLast(1)];
    }

    public static Command Create()
    {
        var command = new Command("hold", "Hold models.")
        {
            Models, Own, Tokens, Common.Context, Common.Threads, Common.FixedThreads, Common.RomDirectory,
        };
        command.Hidden = true;
        command.Does(async (parsed, cancellation) =>
        {
            var options = new HolderOptions
            {
                Files = parsed.GetRequiredValue(Models),
                Own = parsed.GetValue(Own),
                Tokens = parsed.GetValue(Tokens),
                Context = parsed.GetValue(Common.Context),
                Threads = parsed.GetValue(Common.Threads),
                FixedThreads = parsed.GetValue(Common.FixedThreads),
                RomDirectory = parsed.GetValue(Common.RomDirectory),
            };
            await new Holder(options, Console.In, Console.Out, cancellation).HoldAsync();
            return Failure.Ok;
        });
        return command;
    }
}
