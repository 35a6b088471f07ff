using System.Diagnostics;
using Microsoft.Extensions.Logging;
using VAI.Remote;

namespace VAI.Cli.Verbs.Serving;

internal static class LoadVerbs
{
    private static readonly Argument<string> Name = Common.File("NAME", "The model's name.");
    private static readonly Argument<string?> File = new("FILE")
    {
        Description = "A GGUF file, or the name of a ROM, for a model that the daemon was not configured with.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<int?> Sram = new("--sram") { Description = "Tokens of the SRAM bank, --ctx or more.", HelpName = "N" };
    private static readonly Option<int?> Sessions = new("--sessions") { Description = "Most sessions in SRAM at once.", HelpName = "N" };

    public static Command CreateLoad()
    {
        var command = new Command("load", "Have the daemon load a model.")
        {
            Name, File, Common.Context, Sram, Sessions, Common.LoadProfile, Common.GpuLayers, Common.Device, Common.ChatTemplate, Daemon.Socket,
        };
        command.Validators.Add(result =>
        {
            Option[] geometry = [Common.Context, Sram, Sessions, Common.LoadProfile, Common.GpuLayers, Common.Device, Common.ChatTemplate];
            if (result.GetResult(File) is not { Tokens.Count: > 0 } && geometry.FirstOrDefault(o => result.GetResult(o) is { Implicit: false }) is { } given)
                result.AddError($"{given.Name} is given without FILE, but a configured model has its options from the daemon. Give FILE as well.");
        });
        command.Does(LoadAsync);
        return command;
    }

    public static Command CreateUnload()
    {
        var command = new Command("unload", "Have the daemon unload a model that has no open sessions.") { Name, Daemon.Socket };
        command.Does(UnloadAsync);
        return command;
    }

    private static async Task<int> LoadAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string name = parsed.GetRequiredValue(Name);
        using ILoggerFactory? log = Common.Log(parsed);
        await using RemoteVai vai = Daemon.Connect(parsed, log);
        long start = Stopwatch.GetTimestamp();
        IModelContext model = vai.Select(await Bar.RunAsync($"loading {name}", async report =>
        {
            var progress = new Report<LoadProgress>(p => report($"{(p.Phase == LoadPhase.Burning ? "burning" : "loading")} {name}", p.Fraction));
            return parsed.GetValue(File) is { } file
                ? await vai.LoadAsync(Options(parsed, name, file), progress, cancellation)
                : await vai.LoadAsync(name, progress, cancellation);
        }));
        TimeSpan total = Stopwatch.GetElapsedTime(start);
        if (parsed.GetValue(Common.Json))
        {
            Documents.Print(
                new LoadDocument(
                    model.Name, model.Info.File, Format.Ms(model.LoadTime), model.OnGpu, model.ContextLength, model.Memory?.RomBytes ?? 0,
                    model.Memory?.KvBytes ?? 0, Format.Ms(total)),
                Documents.Default.LoadDocument);
        }
        else
        {
            Console.Out.WriteLine($"Loaded '{model.Name}' from {model.Info.File} in {model.LoadTime.TotalMilliseconds:F0} ms: context {model.ContextLength}");
        }

        return Failure.Ok;
    }

    private static ModelOptions Options(ParseResult parsed, string name, string file)
    {
        var options = new ModelOptions
        {
            Name = name,
            File = file,
            ContextLength = parsed.GetValue(Common.Context),
            SramTokens = parsed.GetValue(Sram),
            Profile = parsed.GetValue(Common.LoadProfile),
            ChatTemplate = Common.Template(parsed),
        };
        if (parsed.GetValue(Sessions) is { } sessions)
            options.MaxSessions = sessions;
        Common.Place(options, parsed);
        return options;
    }

    private static async Task<int> UnloadAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string name = parsed.GetRequiredValue(Name);
        using ILoggerFactory? log = Common.Log(parsed);
        await using RemoteVai vai = Daemon.Connect(parsed, log);
        await vai.RefreshAsync(cancellation);
        await vai.UnloadAsync(vai.Select(name).Handle, cancellation);
        return Documents.Answer(
            parsed, new UnloadDocument(name), Documents.Default.UnloadDocument,
            _ => Console.Out.WriteLine($"Unloaded '{name}'"));
    }
}
