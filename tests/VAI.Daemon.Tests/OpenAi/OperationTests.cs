using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using VAI.Daemon.OpenAi;

namespace VAI.Daemon.Tests.OpenAi;

/// <summary>Models, health, metrics and the document.</summary>
public sealed partial class OperationTests(OpenAiServer server) : OpenAiTest(server)
{
    [Fact]
    public async Task Models_are_those_that_are_loaded()
    {
        JsonElement list = await GetAsync("/v1/models");
        Assert.Equal("list", list.GetProperty("object").GetString());
        Assert.Equal(["m", "e"], list.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()));
        JsonElement model = await GetAsync("/v1/models/m");
        Assert.Equal(("m", "model", "vai"), (Text("id"), Text("object"), Text("owned_by")));
        foreach (string name in (string[])["idle", "nobody", "a/b", "a%2Fb"])
        {
            using HttpResponseMessage response = await Server.Http.GetAsync("/v1/models/" + name);
            await ErrorAsync(response, HttpStatusCode.NotFound, "model_not_found");
        }

        string? Text(string name) => model.GetProperty(name).GetString();
    }

    [Fact]
    public async Task Health_says_when_it_drains()
    {
        Assert.Equal("ok", (await GetAsync("/health")).GetProperty("status").GetString());
        Server.Ready = false;
        try
        {
            using HttpResponseMessage response = await Server.Http.GetAsync("/health");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Equal("""{"status":"draining"}""", await response.Content.ReadAsStringAsync());
        }
        finally
        {
            Server.Ready = true;
        }
    }

    [Fact]
    public async Task Metrics_are_Prometheus_text_of_engine_and_requests()
    {
        await AnswersAsync();
        await RefusedAsync(Completions, "{}", HttpStatusCode.BadRequest, "missing_required_parameter");
        using HttpResponseMessage response = await Server.Http.GetAsync("/metrics");
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        string text = await response.Content.ReadAsStringAsync();
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, l => Assert.Matches(Line(), l));
        Assert.Contains("# TYPE vai_daemon_requests_total counter", lines);
        Assert.Contains("# TYPE vai_daemon_requests_active gauge", lines);
        Assert.Contains("# TYPE vai_daemon_request_duration_seconds histogram", lines);
        Assert.True(Value("""vai_daemon_requests_total{http_route="/v1/completions",http_response_status_code="200"}""") >= 1);
        Assert.True(Value("""vai_daemon_requests_total{http_route="/v1/completions",http_response_status_code="400"}""") >= 1);
        Assert.Equal(0, Value("""vai_daemon_requests_active{http_route="/v1/completions"}"""));
        double count = Value("""vai_daemon_request_duration_seconds_count{http_route="/v1/completions"}""");
        Assert.True(count >= 2);
        Assert.Equal(count, Value("""vai_daemon_request_duration_seconds_bucket{http_route="/v1/completions",le="+Inf"}"""));
        const string Tags = """gen_ai_operation_name="text_completion",gen_ai_provider_name="vai",gen_ai_request_model="m" """;
        Assert.True(Value($"gen_ai_server_time_to_first_token_seconds_count{{{Tags.TrimEnd()}}}") >= 1);
        Assert.True(Value("""vai_step_rows_count{gen_ai_request_model="m"}""") >= 1);

        // Buckets are cumulative.
        double[] buckets = [.. lines.Where(l => l.StartsWith("""vai_step_rows_bucket{gen_ai_request_model="m",""", StringComparison.Ordinal)).Select(Number)];
        Assert.NotEmpty(buckets);
        Assert.Equal(buckets.Order(), buckets);

        double Value(string sample) => Number(Assert.Single(lines, l => l.StartsWith(sample + " ", StringComparison.Ordinal)));
        static double Number(string line) => double.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Another_process_metrics_are_sent_behind_and_missed_if_it_is_down()
    {
        await using WebApplication app = await OpenAiServer.StartAsync(
            Server.Vai, new OpenAiOptions { OtherMetrics = _ => ValueTask.FromResult("worker 1\n") }, k => k.Listen(IPAddress.Loopback, 0));
        await using WebApplication down = await OpenAiServer.StartAsync(
            Server.Vai, new OpenAiOptions { OtherMetrics = _ => throw new VaiEngineException(VaiError.EngineLost, "down") }, k => k.Listen(IPAddress.Loopback, 0));
        using var http = new HttpClient();
        Assert.EndsWith("worker 1\n", await http.GetStringAsync(app.Urls.First() + "/metrics"));
        Assert.DoesNotContain("worker 1", await http.GetStringAsync(down.Urls.First() + "/metrics"));
    }

    [Fact]
    public async Task Every_route_is_in_the_document()
    {
        JsonElement document = await GetAsync("/openapi.json");
        Assert.StartsWith("3.1", document.GetProperty("openapi").GetString());
        JsonElement paths = document.GetProperty("paths");
        foreach (RouteEndpoint route in Server.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            string path = route.RoutePattern.RawText!.Replace("**", "");
            if (path is "/v1/{rest}" or "{rest}")
                continue;
            JsonElement item = paths.GetProperty(path);
            foreach (string method in route.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods)
                Assert.True(item.TryGetProperty(method.ToLowerInvariant(), out _), $"{method} {path}");
        }
    }

    [Fact]
    public async Task References_of_the_document_lead_somewhere_and_all_fields_of_requests_are_in_it()
    {
        string text = await Server.Http.GetStringAsync("/openapi.json");
        JsonElement document = JsonDocument.Parse(text).RootElement;
        foreach (Match reference in Reference().Matches(text))
        {
            JsonElement at = document;
            foreach (string step in reference.Groups[1].Value.Split('/'))
                at = at.GetProperty(step);
        }

        // A request of every field of the document with null is short of nothing but what is required: no field is unknown.
        Server.Strict = true;
        foreach ((string schema, string path) in ((string, string)[])[("ChatRequest", Chat), ("CompletionRequest", Completions), ("EmbeddingRequest", Embeddings)])
        {
            IEnumerable<string> fields = document.GetProperty("components").GetProperty("schemas").GetProperty(schema).GetProperty("properties")
                .EnumerateObject().Select(p => p.Name).Where(n => n is not ("model" or "messages" or "prompt" or "input"));
            string request = "{\"model\":\"nobody\"," + string.Concat(fields.Select(f => $"\"{f}\":null,"));
            request += schema switch
            {
                "ChatRequest" => """ "messages":[{"role":"user","content":"x"}]}""",
                "CompletionRequest" => """ "prompt":"x"}""",
                _ => """ "input":"x"}""",
            };
            await RefusedAsync(path, request, HttpStatusCode.NotFound, "model_not_found");
        }

        Server.Strict = false;
    }

    private async Task<JsonElement> GetAsync(string path) => JsonDocument.Parse(await Server.Http.GetStringAsync(path)).RootElement;

    [GeneratedRegex("\"#/([^\"]*)\"")]
    private static partial Regex Reference();

    [GeneratedRegex("^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\\{([a-z_]+=\"[^\"]*\",?)+\\})? [-+0-9.eEInf]+)$")]
    private static partial Regex Line();
}
