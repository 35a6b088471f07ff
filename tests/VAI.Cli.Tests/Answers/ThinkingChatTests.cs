using System.Text.Json;

namespace VAI.Cli.Tests.Answers;

/// <summary><c>vai load</c> with a template of ours, and <c>vai chat</c> with a model that thinks.</summary>
[Collection(DaemonCollection.Name)]
public sealed class ThinkingChatTests(DaemonFixture daemon) : IAsyncLifetime
{
    private const string Template =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}"
        + "{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}";

    private readonly string _file = Path.Combine(Path.GetDirectoryName(daemon.A)!, "think.jinja");

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(_file, Template);
        VaiRun run = await VaiProcess.RunAsync("load", "thinks", daemon.A, "--chat-template", _file, "--socket", daemon.Socket);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    public async Task DisposeAsync()
    {
        VaiRun run = await VaiProcess.RunAsync("unload", "thinks", "--socket", daemon.Socket);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    [Fact]
    public async Task A_template_that_is_loaded_with_a_model_is_its_template_everywhere()
    {
        await using IVai client = daemon.Client();
        foreach (IVai vai in (IVai[])[client, daemon.Engine])
        {
            IModelContext model = vai.Select("thinks");
            ChatPrompt prompt = await model.RenderChatAsync([new ChatTurn("user", "Hello")]);
            Assert.Equal("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\n", prompt.Text);
            Assert.True(prompt.BeginsInReasoning);
            Assert.Equal(Template, model.GetChatTemplate().Source);
        }

        (await VaiProcess.RunAsync("load", "a", "--chat-template", _file, "--socket", daemon.Socket)).IsBadInput();
        (await VaiProcess.RunAsync("load", "n", daemon.A, "--chat-template", _file + ".no", "--socket", daemon.Socket)).IsBadInput();
    }

    [Fact]
    public async Task Thoughts_are_on_standard_error_and_a_budget_ends_them()
    {
        string[] line = ["chat", "thinks", "--tokens", "24", "--temp", "0", "--socket", daemon.Socket];
        (string thought, string answer) = await SaidAsync(line);
        Assert.NotEqual("", thought);

        // It does not come to an end by itself: all of it is thought.
        Assert.Equal("", answer);
        string[] budget = [.. line, "--thinking-budget", "3"];
        (string shorter, answer) = await SaidAsync(budget);
        Assert.StartsWith(shorter.TrimEnd(), thought, StringComparison.Ordinal);
        Assert.True(shorter.Length < thought.Length);
        Assert.NotEqual("", answer);
        Assert.DoesNotContain("think>", shorter + answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_turns_of_a_model_that_thinks_are_one_conversation()
    {
        VaiRun run = await VaiProcess.TellAsync(
            ["one", "two"], "chat", "thinks", "--tokens", "24", "--temp", "0", "--thinking-budget", "3", "--socket", daemon.Socket, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        JsonElement[] answers = [.. run.Json.GetProperty("answers").EnumerateArray()];
        Assert.All(answers, a => Assert.NotEqual("", a.GetProperty("reasoning").GetString()));
        Assert.True(answers[1].GetProperty("reused_tokens").GetInt32() > 0);
    }

    [Fact]
    public async Task A_template_of_the_chats_own_takes_the_place_of_the_models()
    {
        VaiRun own = await VaiProcess.TellAsync(["one"], "chat", "a", "--chat-template", _file, "--tokens", "8", "--temp", "0", "--socket", daemon.Socket, "--json");
        VaiRun loaded = await VaiProcess.TellAsync(["one"], "chat", "thinks", "--tokens", "8", "--temp", "0", "--socket", daemon.Socket, "--json");
        Assert.Equal((0, ""), (own.ExitCode, own.Error));
        foreach (string field in (string[])["reasoning", "text", "prompt_tokens"])
            Assert.Equal(Of(loaded, field).ToString(), Of(own, field).ToString());
    }

    // Twice: as a document, and as text, of which each part has its own stream.
    private static async Task<(string Thought, string Answer)> SaidAsync(string[] line)
    {
        VaiRun json = await VaiProcess.TellAsync(["Hello"], [.. line, "--json"]);
        Assert.Equal((0, ""), (json.ExitCode, json.Error));
        string thought = Of(json, "reasoning").GetString()!, answer = Of(json, "text").GetString()!;
        VaiRun text = await VaiProcess.TellAsync(["Hello"], line);
        Assert.Equal(0, text.ExitCode);
        Assert.Equal(answer.Length > 0 ? answer + "\n" : "", text.Out);
        Assert.StartsWith(answer.Length > 0 ? thought + "\n\n" : thought, text.Error, StringComparison.Ordinal);
        return (thought, answer);
    }

    private static JsonElement Of(VaiRun run, string field) => Assert.Single(run.Json.GetProperty("answers").EnumerateArray()).GetProperty(field);
}
