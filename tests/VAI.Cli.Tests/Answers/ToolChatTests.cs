using System.Text.Json;

namespace VAI.Cli.Tests.Answers;

/// <summary><c>vai chat --tools</c>: the user is who runs the functions.</summary>
[Collection(DaemonCollection.Name)]
public sealed class ToolChatTests(DaemonFixture daemon) : IAsyncLifetime
{
    private const string Script = """
        Let me see.
        <tool_call>
        {"name": "weather", "arguments": {"city": "Paris"}}
        </tool_call>
        <tool_call>
        {"name": "time", "arguments": {}}
        </tool_call>
        --- after <tool_response>
        It rains, and it is late.
        """;

    private const string Tools = """
        [{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}},
         {"type":"function","function":{"name":"time"}}]
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vai-tool-chat-");

    public async Task InitializeAsync()
    {
        string model = At("calls.gguf");
        await File.WriteAllTextAsync(At("script.txt"), Script);
        await File.WriteAllTextAsync(At("tools.json"), Tools);
        foreach (string[] line in (string[][])
            [["forge", "reciter", model, "--script", At("script.txt")], ["load", "calls", model, "--ctx", "4096", "--socket", daemon.Socket]])
        {
            VaiRun run = await VaiProcess.RunAsync(line);
            Assert.True(run.ExitCode == 0, run.Error);
        }
    }

    public async Task DisposeAsync()
    {
        VaiRun run = await VaiProcess.RunAsync("unload", "calls", "--socket", daemon.Socket);
        Assert.True(run.ExitCode == 0, run.Error);
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_call_is_shown_and_the_next_line_is_its_result()
    {
        VaiRun run = await TellAsync("Weather and time?", "rain", "late");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("Let me see.\nweather({\"city\": \"Paris\"})\ntime({})\nIt rains, and it is late.\n", run.Out);
    }

    [Fact]
    public async Task The_conversation_has_calls_and_results_and_goes_on()
    {
        VaiRun run = await TellAsync("Weather and time?", "rain", "", "And now?", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        JsonElement[] answers = [.. run.Json.GetProperty("answers").EnumerateArray()];
        Assert.Equal(["Weather and time?", "rain\nThe call failed.", "And now?"], answers.Select(a => a.GetProperty("prompt").GetString()));
        Assert.Equal(["Let me see.", "It rains, and it is late.", "It rains, and it is late."], answers.Select(a => a.GetProperty("text").GetString()!.TrimEnd()));
        Assert.Equal(
            ["weather{\"city\": \"Paris\"}", "time{}"],
            answers[0].GetProperty("calls").EnumerateArray().Select(c => c.GetProperty("name").GetString() + c.GetProperty("arguments").GetString()));
        Assert.Empty(answers[1].GetProperty("calls").EnumerateArray());
        Assert.True(answers[1].GetProperty("reused_tokens").GetInt32() > 0);
    }

    [Fact]
    public async Task A_script_may_end_before_the_results()
    {
        VaiRun run = await TellAsync("Weather and time?", "rain");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.EndsWith("time({})\n", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("no JSON")]
    [InlineData("""[{"type":"function","function":{"name":""}}]""")]
    public async Task What_are_no_tools_is_bad_input(string tools)
    {
        await File.WriteAllTextAsync(At("tools.json"), tools);
        (await TellAsync("Hello")).IsBadInput();
        File.Delete(At("tools.json"));
        (await TellAsync("Hello")).IsBadInput();
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private Task<VaiRun> TellAsync(params string[] lines) => VaiProcess.TellAsync(
        [.. lines.Where(l => l != "--json")],
        ["chat", "calls", "--tools", At("tools.json"), "--temp", "0", "--tokens", "200", "--socket", daemon.Socket, .. lines.Where(l => l == "--json")]);
}
