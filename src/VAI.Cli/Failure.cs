using System.Text.Json;

namespace VAI.Cli;

/// <summary>Turns errors into one message and an exit code: never a stack trace.</summary>
internal static class Failure
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int BadInput = 2;
    public const int Cancelled = 130;

    public static int Report(Exception error, bool json)
    {
        (int exit, string code) = error switch
        {
            VaiUsageException or VaiModelException => (BadInput, Code((VaiException)error)),
            VaiException vai => (Failed, Code(vai)),
            OperationCanceledException => (Cancelled, "cancelled"),
            _ => (Failed, "failed"),
        };
        Write(code, error is OperationCanceledException ? "Cancelled." : error.Message, json);
        return exit;
    }

    public static string Code(VaiError code) => JsonNamingPolicy.SnakeCaseLower.ConvertName(code.ToString());

    public static int Usage(ParseResult parsed, string[] args)
    {
        bool json = args.Contains(Common.Json.Name);
        string message = string.Join(" ", parsed.Errors.Select(e => e.Message));
        Write("usage", message, json);
        if (!json)
            Console.Error.WriteLine($"Try 'vai {Verbs(parsed)}--help'.");
        return BadInput;
    }

    private static string Verbs(ParseResult parsed)
    {
        string path = "";
        for (var at = parsed.CommandResult; at is { Parent: not null }; at = at.Parent as System.CommandLine.Parsing.CommandResult)
            path = at.Command.Name + " " + path;
        return path;
    }

    private static string Code(VaiException error) => Code(error.Code);

    private static void Write(string code, string message, bool json)
    {
        if (json)
            Documents.Print(new ErrorDocument(new ErrorBody(code, message)), Documents.Default.ErrorDocument);
        else
            Console.Error.WriteLine(message);
    }
}
