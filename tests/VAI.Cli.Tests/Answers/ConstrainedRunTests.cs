using System.Text.Json;

namespace VAI.Cli.Tests.Answers;

/// <summary><c>vai run</c> with an answer that must be something.</summary>
[Collection(ForgedCollection.Name)]
public sealed class ConstrainedRunTests(Forged forged)
{
    [Fact]
    public async Task An_answer_fits_the_schema_or_the_pattern_or_the_run_is_refused()
    {
        string schema = forged.At("person.json"), roms = VaiProcess.NewRomDirectory();
        await File.WriteAllTextAsync(schema, """{"type":"object","properties":{"age":{"type":"integer","minimum":1,"maximum":120}},"required":["age"],"additionalProperties":false}""");
        string[] line = ["run", forged.A, "-p", "Who?", "-n", "60", "--temp", "1.5", "--seed", "3", "--rom-dir", roms];
        VaiRun run = await VaiProcess.RunAsync([.. line, "--json-schema", schema, "--json"]);
        Assert.True(run.ExitCode == 0, run.Error);
        using var answer = JsonDocument.Parse(run.Json.GetProperty("text").GetString()!);
        Assert.InRange(answer.RootElement.GetProperty("age").GetInt32(), 1, 120);
        Assert.Equal("eos", run.Json.GetProperty("finish").GetString());

        run = await VaiProcess.RunAsync([.. line, "--json-schema", schema, "--fast-forward"]);
        Assert.Matches("^\\{\"age\":[0-9]+ ?\n?", run.Out);
        run = await VaiProcess.RunAsync([.. line, "--regex", "(yes|no)!"]);
        Assert.Matches("^(yes|no)!\n$", run.Out);
        (await VaiProcess.RunAsync([.. line, "--regex", "(yes"])).IsBadInput();
        string grammar = forged.At("answer.gbnf");
        await File.WriteAllTextAsync(grammar, "root ::= word (\" \" word)?\nword ::= \"yes\" | \"no\" # or so\n");
        run = await VaiProcess.RunAsync([.. line, "--grammar", grammar]);
        Assert.Matches("^(yes|no)( (yes|no))?\n$", run.Out);
        (await VaiProcess.RunAsync([.. line, "--grammar", grammar, "--regex", "a"])).IsBadInput();
        await File.WriteAllTextAsync(grammar, "root ::= \"a\"\nword ::= (\"yes\"");
        run = await VaiProcess.RunAsync([.. line, "--grammar", grammar]);
        run.IsBadInput();
        Assert.Contains("line 2: a '(' is not closed", run.Error, StringComparison.Ordinal);
        (await VaiProcess.RunAsync([.. line, "--json-schema", schema + ".no"])).IsBadInput();
        (await VaiProcess.RunAsync([.. line, "--json-schema", schema, "--regex", "a"])).IsBadInput();
        await File.WriteAllTextAsync(schema, """{"type":"array","uniqueItems":true}""");
        run = await VaiProcess.RunAsync([.. line, "--json-schema", schema]);
        run.IsBadInput();
        Assert.Contains("#/uniqueItems", run.Error, StringComparison.Ordinal);
    }
}
