using System.Diagnostics;
using System.Text.Json;

namespace VAI.Cli.Tests;

[Collection(DaemonCollection.Name)]
public sealed class DaemonVerbTests(DaemonFixture daemon)
{
    [Theory]
    [InlineData("ps")]
    [InlineData("top")]
    [InlineData("top", "--once")]
    [InlineData("load", "a")]
    [InlineData("unload", "a")]
    [InlineData("chat", "a")]
    [InlineData("plan", "a.gguf")]
    public async Task Without_a_daemon_each_verb_says_so(params string[] verb)
    {
        string[] line = [.. verb, "--socket", daemon.Socket + ".nobody"];
        VaiRun run = await VaiProcess.TellAsync(["hello"], line);
        Assert.Equal((1, ""), (run.ExitCode, run.Out));
        Assert.Contains("No daemon answers at", run.Error, StringComparison.Ordinal);
        Assert.Contains("vai serve", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        run = await VaiProcess.TellAsync(["hello"], [.. line, "--json"]);
        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.Equal("daemon_unavailable", run.Json.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Ps_and_top_show_models_and_sessions()
    {
        await using IVai client = daemon.Client();
        await using IInferenceSession session = client.Select("a").OpenSession();
        await foreach (InferenceUpdate _ in session.InferAsync("hello", new InferenceOptions { MaxTokens = 3, Temperature = 0 }))
        {
        }

        foreach (string[] verb in (string[][])[["ps"], ["top", "--once"]])
        {
            VaiRun run = await VaiProcess.RunAsync([.. verb, "--socket", daemon.Socket, "--json"]);
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            HasItsFields(run.Json);
            JsonElement shown = Assert.Single(
                run.Json.GetProperty("sessions").EnumerateArray(), s => s.GetProperty("tokens").GetInt32() == session.TokenCount);
            Assert.Equal(("a", false), (shown.GetProperty("model").GetString(), shown.GetProperty("running").GetBoolean()));
            JsonElement model = Assert.Single(run.Json.GetProperty("models").EnumerateArray(), m => m.GetProperty("name").GetString() == "a");
            Assert.True(model.GetProperty("loaded").GetBoolean());
            run = await VaiProcess.RunAsync([.. verb, "--socket", daemon.Socket]);
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            Assert.Contains("SRAM", run.Out, StringComparison.Ordinal);
            Assert.Contains(shown.GetProperty("id").GetString()![..12], run.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Top_goes_on_until_it_is_interrupted()
    {
        using var held = new Held(VaiProcess.Start([], "top", "--socket", daemon.Socket, "--json"));
        for (int documents = 0; documents < 2;)
        {
            string? line = await held.Process.StandardOutput.ReadLineAsync();
            Assert.NotNull(line);
            documents += line == "}" ? 1 : 0;
        }

        VaiProcess.Signal(held.Process, "INT");
        await held.Process.WaitForExitAsync();
        Assert.Equal((0, ""), (held.Process.ExitCode, await held.Process.StandardError.ReadToEndAsync()));
    }

    [Fact]
    public async Task Load_and_unload_change_what_the_daemon_has()
    {
        VaiRun run = await VaiProcess.RunAsync("load", "c", daemon.A, "--ctx", "128", "--socket", daemon.Socket, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        run.Has("name", "file", "load_ms", "gpu", "context", "rom_bytes", "kv_bytes", "total_ms");
        Assert.Equal(128, daemon.Engine.Select("c").ContextLength);
        run = await VaiProcess.RunAsync("unload", "c", "--socket", daemon.Socket, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal("c", run.Json.GetProperty("name").GetString());
        Assert.DoesNotContain(daemon.Engine.Models, m => m.Name == "c");
        (await VaiProcess.RunAsync("unload", "c", "--socket", daemon.Socket)).IsBadInput();
        (await VaiProcess.RunAsync("load", "nobody", "--socket", daemon.Socket)).IsBadInput();
        (await VaiProcess.RunAsync("load", "a", "--ctx", "128", "--socket", daemon.Socket)).IsBadInput();
        run = await VaiProcess.RunAsync("load", "a", "--socket", daemon.Socket);
        Assert.StartsWith("Loaded 'a' from ", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_daemon_plans_what_this_process_would()
    {
        string[] line = ["plan", daemon.A, "--ctx", "300", "--sram", "600", "--profile", "none", "--json"];
        VaiRun asked = await VaiProcess.RunAsync([.. line, "--socket", daemon.Socket]);
        Assert.Equal((0, ""), (asked.ExitCode, asked.Error));
        JsonElement own = (await VaiProcess.RunAsync(line)).Json;
        foreach (string field in (string[])["file", "kv_bytes", "scratch_bytes", "output_bytes", "context", "cells", "sessions", "step_rows"])
            Assert.Equal(own.GetProperty(field).ToString(), asked.Json.GetProperty(field).ToString());
        Assert.Equal(2, (await VaiProcess.RunAsync([.. line, "--socket", daemon.Socket, "--measure"])).ExitCode);
    }

    [Fact]
    public async Task A_chat_keeps_what_was_said_and_computes_it_once()
    {
        await daemon.Engine.LoadAsync("b");
        VaiRun run = await VaiProcess.TellAsync(
            ["What is an adder?", "", "And a multiplier?", "/switch b", "Which is larger?", "/switch a", "Why?", "/reset", "What is an adder?", "/quit", "never"],
            "chat", "a", "--system", "You design circuits.", "--tokens", "6", "--temp", "0", "--seed", "1", "--socket", daemon.Socket, "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        JsonElement[] answers = [.. run.Json.GetProperty("answers").EnumerateArray()];
        Assert.All(answers, a => VaiRun.Has(
            a, "model", "prompt", "text", "reasoning", "calls", "tokens", "prompt_tokens", "reused_tokens", "reused_until", "first_ms", "total_ms", "tokens_per_second", "finish", "seed"));
        Assert.Equal(["a", "a", "b", "a", "a"], answers.Select(a => a.GetProperty("model").GetString()));
        List<ChatTurn> turns = [new("system", "You design circuits.")];
        int[] whole = new int[5];
        for (int i = 0; i < 4; i++)
        {
            turns.Add(new("user", answers[i].GetProperty("prompt").GetString()!));
            whole[i] = await LengthAsync(answers[i].GetProperty("model").GetString()!, turns);
            turns.Add(new("assistant", answers[i].GetProperty("text").GetString()!));
        }

        Assert.Equal(whole[0], Number(0, "prompt_tokens"));
        Assert.InRange(Number(1, "prompt_tokens"), 1, whole[1] - whole[0]);
        Assert.True(Number(1, "reused_tokens") >= whole[0], "What the session holds is not computed again.");

        // Another model has it all to read, and the one that comes back what was said meanwhile.
        Assert.Equal(whole[2], Number(2, "prompt_tokens"));
        Assert.InRange(Number(3, "prompt_tokens"), 1, whole[3] - whole[1]);
        Assert.Equal((whole[0], answers[0].GetProperty("text").GetString()), (Number(4, "prompt_tokens"), answers[4].GetProperty("text").GetString()));

        int Number(int answer, string field) => answers[answer].GetProperty(field).GetInt32();
    }

    [Fact]
    public async Task A_chat_says_where_what_was_computed_goes_on_otherwise()
    {
        VaiRun run = await VaiProcess.TellAsync(
            ["What is an adder?", "/reset", "What is an inverter?"], "chat", "a", "--system", "You say where it ends.", "--tokens", "2", "--temp", "0", "--socket", daemon.Socket);
        Assert.Equal(0, run.ExitCode);
        string last = run.Error.TrimEnd().Split('\n')[^1];
        Assert.Matches("reused=[0-9]+ until \".*What is an.*\", new from \".+\"", last);
    }

    [Fact]
    public async Task A_chat_streams_the_answers_alone_to_standard_output()
    {
        string[] line = ["chat", "a", "--tokens", "5", "--temp", "0", "--socket", daemon.Socket];
        VaiRun json = await VaiProcess.TellAsync(["one", "two"], [.. line, "--json"]);
        VaiRun text = await VaiProcess.TellAsync(["one", "two"], line);
        Assert.Equal(0, text.ExitCode);
        Assert.Equal(
            string.Concat(json.Json.GetProperty("answers").EnumerateArray().Select(a => a.GetProperty("text").GetString() + "\n")), text.Out);
        Assert.Contains("tok/s", text.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/switch nobody")]
    [InlineData("/switch")]
    [InlineData("/what")]
    public async Task A_script_ends_at_its_first_error(string command)
    {
        VaiRun run = await VaiProcess.TellAsync([command, "hello"], "chat", "a", "--tokens", "1", "--socket", daemon.Socket);
        run.IsBadInput();
    }

    [Fact]
    public async Task Interrupting_a_chat_stops_the_answer_and_not_the_program()
    {
        daemon.Holds = true;
        using var held = new Held(VaiProcess.StartTalking("chat", "a", "--tokens", "2000", "--temp", "0", "--socket", daemon.Socket));
        Process chat = held.Process;
        try
        {
            await chat.StandardInput.WriteLineAsync("hello");
            Assert.Equal(1, await chat.StandardOutput.ReadAsync(new char[1]));
        }
        finally
        {
            daemon.Holds = false;
        }

        VaiProcess.Signal(chat, "INT");
        Assert.Equal("stopped", await chat.StandardError.ReadLineAsync());
        await chat.StandardInput.WriteLineAsync("/reset");
        await chat.StandardInput.WriteLineAsync("hello again");
        Assert.Contains("tok/s", await chat.StandardError.ReadLineAsync(), StringComparison.Ordinal);
        await chat.StandardInput.WriteLineAsync("/quit");
        await chat.StandardOutput.ReadToEndAsync();
        await chat.WaitForExitAsync();
        Assert.Equal(0, chat.ExitCode);
    }

    private async Task<int> LengthAsync(string model, IReadOnlyList<ChatTurn> turns)
    {
        IModelContext context = daemon.Engine.Select(model);
        return (await context.TokenizeAsync(await context.RenderChatAsync(turns))).Count;
    }

    private static void HasItsFields(JsonElement json)
    {
        VaiRun.Has(
            json, "socket", "version", "process_id", "worker_id", "worker_restarts", "uptime_seconds", "active_requests", "queued_requests", "models", "sessions");
        Assert.All(json.GetProperty("models").EnumerateArray(), m => VaiRun.Has(
            m, "name", "loaded", "quarantined", "open_sessions", "sram_used", "sram_tokens", "generated_tokens"));
        Assert.All(json.GetProperty("sessions").EnumerateArray(), s => VaiRun.Has(
            s, "id", "model", "client", "tokens", "running", "generated", "tokens_per_second", "age_seconds"));
    }
}
