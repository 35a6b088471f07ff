using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using VAI.Daemon.OpenAi;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>Who decides how to sample: the request, the daemon's configuration, the model's file, OpenAI's API.</summary>
public sealed class SamplingDefaultsTests(OpenAiServer server) : OpenAiTest(server)
{
    private const string Request = """{"model":"m","prompt":"Once upon a time","seed":11,"max_tokens":24}""";

    [Fact]
    public async Task Without_a_word_the_models_own_distribution_is_sampled()
    {
        (string expected, _) = await EngineAsync("Once upon a time", OpenAiDefaults with { Seed = 11, MaxTokens = 24 });
        Assert.Equal(expected, Text(await PostAsync(Completions, Request)));
        (string llama, _) = await EngineAsync("Once upon a time", new InferenceOptions { Seed = 11, MaxTokens = 24 });
        Assert.NotEqual(llama, expected);
    }

    [Fact]
    public async Task The_configuration_wins_over_that_and_the_request_over_it()
    {
        (string greedy, _) = await EngineAsync("Once upon a time", InferenceOptions.Greedy with { MaxTokens = 24 });
        Server.Sampling = new SamplingDefaults { TopK = 1 };
        try
        {
            Assert.Equal(greedy, Text(await PostAsync(Completions, Request)));
            (string expected, _) = await EngineAsync("Once upon a time", OpenAiDefaults with { Seed = 11, MaxTokens = 24 });
            Assert.Equal(expected, Text(await PostAsync(Completions, With(Request, "top_k", "0"))));
        }
        finally
        {
            Server.Sampling = null;
        }
    }

    [Fact]
    public async Task A_models_file_may_recommend_it()
    {
        string file = Server.NewFile("recommends.gguf");
        GgufEntries.Add(
            await Server.ForgeAsync("tiny-qwen2"), file, ("general.sampling.temp", 0.5f), ("general.sampling.top_k", 7), ("general.sampling.top_p", 0.9f),
            ("general.sampling.min_p", 0.1f), ("general.sampling.penalty_repeat", 1.25f), ("general.sampling.penalty_last_n", 16));
        await using IVai vai = await Server.LoadAsync(OpenAiServer.ContextLength, file: file);
        SamplingDefaults said = vai.Select("m").Info.Sampling!;
        Assert.Equal(
            new SamplingDefaults { Temperature = 0.5f, TopK = 7, TopP = 0.9f, MinP = 0.1f, RepeatPenalty = 1.25f, PenaltyLastN = 16 }, said);
        await using WebApplication app = await OpenAiServer.StartAsync(vai, new OpenAiOptions(), k => k.Listen(IPAddress.Loopback, 0));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        (string expected, _) = await EngineAsync(
            "Once upon a time",
            new InferenceOptions { Temperature = 0.5f, TopK = 7, TopP = 0.9f, MinP = 0.1f, RepeatPenalty = 1.25f, PenaltyLastN = 16, Seed = 11, MaxTokens = 24 });
        using HttpResponseMessage response = await http.PostAsync(Completions, Json(Request));
        Assert.Equal(expected, Text(JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement));
    }

    [Fact]
    public async Task What_a_file_recommends_out_of_range_or_of_another_type_is_nothing()
    {
        string file = Server.NewFile("wild.gguf");
        GgufEntries.Add(
            await Server.ForgeAsync("tiny-qwen2"), file, ("general.sampling.temp", float.NaN), ("general.sampling.top_k", -5), ("general.sampling.top_p", 2f),
            ("general.sampling.min_p", "much"), ("general.sampling.penalty_repeat", float.PositiveInfinity), ("general.sampling.penalty_last_n", 100_000));
        await using IVai vai = await Server.LoadAsync(OpenAiServer.ContextLength, file: file);
        Assert.Null(vai.Select("m").Info.Sampling);
    }

    private static string Text(JsonElement answer) => answer.GetProperty("choices")[0].GetProperty("text").GetString()!;
}
