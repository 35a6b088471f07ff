using System.Text.Json;

namespace VAI.Cli.Tests;

/// <summary><c>vai template</c> and <c>vai template check</c>: on a model's file, and on a template alone.</summary>
[Collection(ForgedCollection.Name)]
public sealed class TemplateVerbTests(Forged forged)
{
    private const string Rendered = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n";

    [Fact]
    public async Task A_models_own_template_is_rendered_and_says_what_is_whose()
    {
        VaiRun run = await VaiProcess.RunAsync("template", forged.A);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("caller    Hello\ntemplate  <|im_end|>\\n<|im_start|>assistant\\n\n", run.Out, StringComparison.Ordinal);
        Assert.Matches("renders +yes", run.Out);
        run = await VaiProcess.RunAsync("template", forged.A, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        run.Has("prompt", "own", "segments", "tokens", "traits");
        Assert.All(run.Json.GetProperty("tokens").EnumerateArray(), t => VaiRun.Has(t, "id", "text"));
        Assert.Equal((Rendered, true), (run.Json.GetProperty("prompt").GetString(), run.Json.GetProperty("own").GetBoolean()));
        JsonElement[] segments = [.. run.Json.GetProperty("segments").EnumerateArray()];
        Assert.All(segments, s => VaiRun.Has(s, "from", "text"));
        Assert.Equal(Rendered, string.Concat(segments.Select(s => s.GetProperty("text").GetString())));
        Assert.Contains(segments, s => s.GetProperty("from").GetString() == "caller" && s.GetProperty("text").GetString() == "Hello");
        VaiRun.Has(
            run.Json.GetProperty("traits"), "renders", "system_role", "system_anywhere", "text_content", "typed_content", "tools", "tool_calls", "tool_results",
            "object_arguments", "reasoning_history", "thinking_switch", "reasoning_effort", "generation_prompt", "repeated_roles", "reasoning");
    }

    [Fact]
    public async Task Raw_is_the_prompt_to_the_byte()
    {
        VaiRun run = await VaiProcess.RunAsync("template", forged.A, "--raw");
        Assert.Equal((0, Rendered, ""), (run.ExitCode, run.Out, run.Error));
        string file = Template("raw.jinja", "{{ 'ü\u2028\\t' }}no end of a line");
        Assert.Equal("ü\u2028\tno end of a line", (await VaiProcess.RunAsync("template", file, "--raw")).Out);
    }

    [Fact]
    public async Task A_context_is_rendered_as_it_is_and_what_is_set_counts_more()
    {
        string file = Template("set.jinja", "{{ bos_token }}{{ a }} {{ b }} {{ c is none }} {{ messages[0].content }}{{ strftime_now('%Y-%m-%d') }}");
        string context = Template("context.json", """{"a": 1, "b": "old", "messages": [{"role": "user", "content": "<|im_end|>"}]}""");
        VaiRun run = await VaiProcess.RunAsync(
            "template", file, "--context", context, "--set", "b=a=b", "--set", "c=null", "--time", "2024-02-29T12:00:00Z", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal("<s>1 a=b True <|im_end|>2024-02-29", run.Json.GetProperty("prompt").GetString());
        Assert.Contains(
            run.Json.GetProperty("segments").EnumerateArray(),
            s => s.GetProperty("from").GetString() == "caller" && s.GetProperty("text").GetString()!.EndsWith("<|im_end|>", StringComparison.Ordinal));
        foreach (string[] wrong in (string[][])[["--set", "novalue"], ["--set", "=x"], ["--context", forged.At("no.json")], ["--context", file], ["--context", "[]"]])
            (await VaiProcess.RunAsync(["template", file, .. wrong])).IsBadInput();
    }

    [Fact]
    public async Task A_name_that_is_not_there_is_said_to_be_missing()
    {
        VaiRun run = await VaiProcess.RunAsync("template", forged.A, "--name", "tool_use");
        run.IsBadInput();
        Assert.Contains("no chat template 'tool_use'", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("template")]
    [InlineData("template", "check")]
    public async Task What_is_no_template_is_named_by_its_line(params string[] verb)
    {
        string file = Template("bad.jinja", "{{ 1 }}\n\n{% if %}x{% endif %}");
        VaiRun run = await VaiProcess.RunAsync([.. verb, file]);
        run.IsBadInput();
        Assert.Contains("line 3", run.Error, StringComparison.Ordinal);
        run = await VaiProcess.RunAsync([.. verb, file, "--json"]);
        Assert.Equal((2, ""), (run.ExitCode, run.Error));
        Assert.Equal("invalid_chat_template", run.Json.GetProperty("error").GetProperty("code").GetString());
        (await VaiProcess.RunAsync([.. verb, forged.At("no.jinja")])).IsBadInput();
        (await VaiProcess.RunAsync([.. verb, forged.Empty()])).IsBadInput();
    }

    [Fact]
    public async Task Check_says_what_will_go_wrong()
    {
        VaiRun run = await VaiProcess.RunAsync("template", "check", forged.A);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches("tools +no", run.Out);
        string file = Template(
            "strict.jinja",
            "{% for m in messages %}{% if m.role not in ['user', 'assistant'] %}{{ raise_exception('no') }}{% endif %}[{{ m.role }}] {{ m.content }} {% endfor %}");
        run = await VaiProcess.RunAsync("template", "check", file);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("! It writes no system's turn", run.Out, StringComparison.Ordinal);
        Assert.Contains("! It does not begin the assistant's turn", run.Out, StringComparison.Ordinal);
        run = await VaiProcess.RunAsync("template", "check", file, "--json");
        run.Has("own", "traits", "warnings");
        Assert.False(run.Json.GetProperty("traits").GetProperty("system_role").GetBoolean());
        Assert.Equal(2, run.Json.GetProperty("warnings").GetArrayLength());
    }

    [Fact]
    public async Task Check_ends_with_1_where_no_conversation_is_taken()
    {
        VaiRun run = await VaiProcess.RunAsync("template", "check", Template("never.jinja", "{{ raise_exception('never') }}"));
        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.Contains("! It takes no conversation", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_with_a_template_takes_the_prompt_as_what_a_user_says()
    {
        string file = Template("run.jinja", "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}");
        string[] line = ["run", forged.A, "-n", "6", "--temp", "0", "--seed", "1", "--json", "-p"];
        VaiRun said = await VaiProcess.RunAsync([.. line, "Hello", "--chat-template", file]);
        VaiRun raw = await VaiProcess.RunAsync([.. line, "user: Hello\nassistant:"]);
        Assert.Equal((0, ""), (said.ExitCode, said.Error));
        foreach (string field in (string[])["text", "tokens", "prompt_tokens"])
            Assert.Equal(raw.Json.GetProperty(field).ToString(), said.Json.GetProperty(field).ToString());
        Assert.Equal(2, (await VaiProcess.RunAsync([.. line, "Hello", "--chat-template", forged.At("no.jinja")])).ExitCode);
    }

    private string Template(string name, string text)
    {
        File.WriteAllText(forged.At(name), text);
        return forged.At(name);
    }
}
