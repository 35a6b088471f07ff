// Two models resident at once. One calls functions of this program; one of these asks the other. Give two GGUF files of models that know tools, or nothing
// to have two made that say what is written here.
using System.ComponentModel;
using Microsoft.Extensions.AI;
using Samples;
using VAI;

const string Question = "Do I need an umbrella in Paris, and why does it rain at all?";

(string fast, string deep) = args is [var first, var second] ? (first, second) : (
    await Models.SayingAsync(
        "calls",
        """
        <tool_call>
        {"name": "weather", "arguments": {"city": "Paris"}}
        </tool_call>
        <tool_call>
        {"name": "ask_deep", "arguments": {"question": "Why does it rain?"}}
        </tool_call>
        """,
        "Yes: it rains in Paris, since warm air rises there and cools."),
    await Models.SayingAsync("explains", "Warm air rises, cools, and cannot hold its water."));

await using IVai vai = Vai.Create(o => o.AddModel("fast", fast).AddModel("deep", deep));
await vai.LoadAsync("fast");
await vai.LoadAsync("deep");
IChatClient other = vai.AsIChatClient("deep");
using IChatClient chat = vai.AsIChatClient("fast").AsBuilder().UseFunctionInvocation().Build();

var options = new ChatOptions
{
    Tools = [AIFunctionFactory.Create(Weather, "weather"), AIFunctionFactory.Create(AskAsync, "ask_deep")],
    MaxOutputTokens = 400,
};
await foreach (ChatResponseUpdate update in chat.GetStreamingResponseAsync(Question, options))
{
    foreach (AIContent content in update.Contents)
    {
        if (content is FunctionCallContent call)
            Console.WriteLine($"{call.Name}({string.Join(", ", call.Arguments!.Select(a => $"{a.Key}: {a.Value}"))})");
        else if (content is FunctionResultContent result)
            Console.WriteLine($"  -> {result.Result}");
        else if (content is TextContent text)
            Console.Write(text);
    }
}

Console.WriteLine();

[Description("What the weather is in a city.")]
static string Weather(string city) => $"rain in {city}, 12 degrees";

[Description("Asks a model that knows more.")]
async Task<string> AskAsync(string question) => (await other.GetResponseAsync(question, new ChatOptions { MaxOutputTokens = 200 })).Text;
