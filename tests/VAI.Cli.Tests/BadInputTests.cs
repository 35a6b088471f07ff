using System.Diagnostics;

namespace VAI.Cli.Tests;

[Collection(ForgedCollection.Name)]
public sealed class BadInputTests(Forged forged)
{
    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("directory")]
    public async Task A_file_that_is_no_model_is_bad_input(string kind)
    {
        string file = kind switch
        {
            "missing" => forged.At("missing.gguf"),
            "empty" => forged.Empty(),
            _ => forged.Directory,
        };
        (await VaiProcess.RunAsync("inspect", file)).IsBadInput();
        (await VaiProcess.RunAsync("run", file, "-p", "x")).IsBadInput();
        (await VaiProcess.RunAsync("bench", "switch", forged.A, file)).IsBadInput();
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("inspect")]
    [InlineData("inspect|")]
    [InlineData("bench")]
    [InlineData("forge|tiny")]
    [InlineData("forge|no-such-shape|OUT")]
    [InlineData("forge|tiny|OUT|--type|q9")]
    [InlineData("forge|tiny|OUT|--seed|x")]
    [InlineData("forge|tiny|OUT|--vocab|MISSING")]
    [InlineData("forge|tiny|MISSING/out.gguf")]
    [InlineData("run|A")]
    [InlineData("run|A|-p|x|-n|0")]
    [InlineData("run|A|-p|x|-n|many")]
    [InlineData("run|A|-p|x|--temp|-1")]
    [InlineData("run|A|-p|x|--threads|0")]
    [InlineData("run|A|-p|x|--ctx|-5")]
    [InlineData("run|A|-p|x|--no-such-option")]
    [InlineData("bench|switch|A|A|--rounds|0")]
    [InlineData("bench|pipeline|A")]
    [InlineData("bench|pipeline|A|MISSING")]
    [InlineData("bench|pipeline|A|A|--tokens|1")]
    [InlineData("bench|pipeline|A|A|--sessions|257")]
    [InlineData("bench|pipeline|A|A|--only|nonsense")]
    [InlineData("bench|pipeline|A|A|--only|fork|--skip|fork")]
    public async Task A_bad_line_is_bad_input(string line)
    {
        string[] arguments = line.Length == 0 ? [] : [.. line.Split('|').Select(Word)];
        (await VaiProcess.RunAsync(arguments)).IsBadInput();
        Assert.False(File.Exists(forged.At("out.gguf")));
    }

    [Theory]
    [InlineData("inspect|MISSING", "file_not_found")]
    [InlineData("run|MISSING|-p|x", "file_not_found")]
    [InlineData("forge|no-such-shape|OUT", "invalid_option")]
    [InlineData("bench|switch|A|A|--rounds|0", "invalid_option")]
    [InlineData("run|A", "usage")]
    public async Task With_json_an_error_is_the_one_document(string line, string code)
    {
        VaiRun run = await VaiProcess.RunAsync([.. line.Split('|').Select(Word), "--json"]);
        Assert.Equal((2, ""), (run.ExitCode, run.Error));
        run.Has("error");
        VaiRun.Has(run.Json.GetProperty("error"), "code", "message");
        Assert.Equal(code, run.Json.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Without_the_library_a_run_fails_but_is_no_bad_input()
    {
        VaiRun run = await VaiProcess.RunAsync([("VAI_LLAMA_DIR", forged.Directory)], "run", forged.A, "-p", "x", "--json");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("native_library_not_found", run.Json.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Help_is_no_error()
    {
        VaiRun run = await VaiProcess.RunAsync("run", "--help");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("--temp", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupt_ends_a_benchmark_at_once()
    {
        Process vai = VaiProcess.Start(
            [], "bench", "switch", forged.A, forged.B, "--rounds", "100000", "--verbose");

        VaiRun run = await VaiProcess.InterruptAsync(vai);
        Assert.Equal((130, ""), (run.ExitCode, run.Out));
        Assert.Contains("Cancelled.", run.Error, StringComparison.Ordinal);
    }

    private string Word(string word) => word switch
    {
        "A" => forged.A,
        "OUT" => forged.At("out.gguf"),
        "MISSING" => forged.At("missing.gguf"),
        "MISSING/out.gguf" => forged.At("missing/out.gguf"),
        _ => word,
    };
}
