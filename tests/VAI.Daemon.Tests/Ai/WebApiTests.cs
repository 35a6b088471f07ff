using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace VAI.Daemon.Tests.Ai;

/// <summary>samples/WebApi as its reader runs it: a process of its own.</summary>
public sealed partial class WebApiTests : IDisposable
{
    private readonly ForgedModels _models = new();

    public void Dispose() => _models.Dispose();

    [Fact]
    public async Task Two_models_answer_behind_one_web_API()
    {
        string tests = Path.GetDirectoryName(typeof(WebApiTests).Assembly.Location)!;
        string program = Path.GetFullPath(Path.Combine(
            tests.Replace("/tests/VAI.Daemon.Tests/", "/samples/WebApi/", StringComparison.Ordinal), "WebApi.dll"));
        var start = new ProcessStartInfo(
            "dotnet", [program, "--urls", "http://127.0.0.1:0", "--fast", _models["tiny"], "--deep", _models["tiny-qwen2"]])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["VAI_ROM_DIR"] = _models.Roms;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        try
        {
            using var http = new HttpClient { BaseAddress = new Uri(await AddressAsync(process, errors)) };
            Assert.Equal("Healthy", await http.GetStringAsync("/health"));
            foreach (string model in (string[])["fast", "deep"])
            {
                using HttpResponseMessage stream = await http.PostAsJsonAsync($"/{model}", new { prompt = "Write an AND gate.", tokens = 8 });
                Assert.Equal("text/event-stream", stream.EnsureSuccessStatusCode().Content.Headers.ContentType?.MediaType);
                Assert.StartsWith("data: ", await stream.Content.ReadAsStringAsync());
                using HttpResponseMessage answer = await http.PostAsJsonAsync($"/{model}/once", new { prompt = "Write an AND gate.", tokens = 8 });
                JsonElement once = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
                Assert.Equal(model, once.GetProperty("model").GetString());
                Assert.InRange(once.GetProperty("tokens").GetInt32(), 1, 8);
            }
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    private static async Task<string> AddressAsync(Process process, Task<string> errors)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
            {
                // What follows must not fill the pipe.
                _ = process.StandardOutput.ReadToEndAsync();
                return match.Groups[1].Value;
            }
        }

        throw new InvalidOperationException($"The sample ended: {await errors}");
    }

    [GeneratedRegex(@"listening on: (http://\S+)")]
    private static partial Regex Listening();
}
