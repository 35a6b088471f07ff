// Two models behind a web API, each a keyed chat client, answers streamed as server-sent events. Any request may take either: nothing is
// loaded again. Run it, then:
//   curl -N 127.0.0.1:5080/fast -H 'content-type: application/json' -d '{"prompt":"Write a Verilog AND gate."}'
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Samples;
using VAI;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
if (builder.Configuration["urls"] is null)
    builder.WebHost.UseUrls("http://127.0.0.1:5080");

// Two files of one's own: --fast FILE.gguf --deep FILE.gguf.
string fast = builder.Configuration["fast"] ?? await Models.SmallAsync(seed: 1);
string deep = builder.Configuration["deep"] ?? await Models.SmallAsync(seed: 2);
builder.Services.AddVai(o => o.AddModel("fast", fast).AddModel("deep", deep));
builder.Services.AddHealthChecks().AddVai();

await using WebApplication app = builder.Build();
IVai vai = app.Services.GetRequiredService<IVai>();
await vai.LoadAsync("fast");
await vai.LoadAsync("deep");

app.MapPost("/fast", ([FromKeyedServices("fast")] IChatClient chat, Question question, CancellationToken stop) =>
    TypedResults.ServerSentEvents(AskAsync(chat, question, stop)));
app.MapPost("/deep", ([FromKeyedServices("deep")] IChatClient chat, Question question, CancellationToken stop) =>
    TypedResults.ServerSentEvents(AskAsync(chat, question, stop)));

app.MapHealthChecks("/health");

// One client for both: the model is an option of the request.
app.MapPost("/{model}/once", async (string model, IChatClient chat, Question question, CancellationToken stop) =>
{
    ChatResponse answer = await chat.GetResponseAsync(question.Prompt, new ChatOptions { ModelId = model, MaxOutputTokens = question.Tokens }, stop);
    return new { model = answer.ModelId, answer.Text, tokens = answer.Usage?.OutputTokenCount, cached = answer.Usage?.CachedInputTokenCount };
});
await app.RunAsync();

static async IAsyncEnumerable<string> AskAsync(IChatClient chat, Question question, [EnumeratorCancellation] CancellationToken stop)
{
    var options = new ChatOptions { MaxOutputTokens = question.Tokens };
    await foreach (ChatResponseUpdate update in chat.GetStreamingResponseAsync(question.Prompt, options, stop))
    {
        if (update.Text.Length > 0)
            yield return update.Text;
    }
}

internal sealed record Question(string Prompt, int Tokens = 64);
