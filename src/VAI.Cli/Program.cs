using System.CommandLine.Invocation;
using VAI.Cli;
using VAI.Cli.Verbs;
using VAI.Cli.Verbs.Measuring;
using VAI.Cli.Verbs.Serving;

var root = new RootCommand("Many language models resident at once, switched between at no cost.")
{
    InspectVerb.Create(),
    TemplateVerb.Create(),
    ForgeVerb.Create(),
    PlanVerb.Create(),
    DevicesVerb.Create(),
    BurnVerb.Create(),
    StatusVerb.Create(),
    RomVerbs.CreateVerify(),
    RomVerbs.CreateEvict(),
    RunVerb.Create(),
    ChatVerb.Create(),
    LoadVerbs.CreateLoad(),
    LoadVerbs.CreateUnload(),
    PsVerb.Create(),
    TopVerb.Create(),
    BenchVerb.Create(),
    DoctorVerb.Create(),
    ServeVerb.Create(),
    WorkerVerb.Create(),
    HoldVerb.Create(),
};
root.Add(Common.Json);
root.Add(Common.Verbose);
ParseResult parsed = root.Parse(args);

if (parsed.Action is ParseErrorAction)
    return Failure.Usage(parsed, args);

// A chat goes on, and the daemon has signals of its own.
bool goesOn = parsed.CommandResult.Command.Name is ChatVerb.Name or ServeVerb.Name or WorkerVerb.Name;
using Interruption? interruption = goesOn ? null : new Interruption();
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, interruption?.Token ?? CancellationToken.None);
