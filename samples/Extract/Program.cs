// What a text says, as a value of a type: the answer fits the type's schema, whatever the model would rather say. Give a GGUF file, or nothing to have a
// model made that says what is written here.
using System.ComponentModel;
using Microsoft.Extensions.AI;
using Samples;
using VAI;

const string Letter = """
    Dear all, please send three of the AND gates by the first of December, it is urgent. And one adder, if it is no more than 12.50.
    Marie Curie
    """;

string file = args.Length > 0 ? args[0] : await Models.SayingAsync(
    "extracts",
    """
    {"customer":"Marie Curie","urgency":"High","due":"2026-12-01","lines":[{"article":"AND gate","count":3,"atMost":null},{"article":"adder","count":1,"atMost":12.5}]}
    """);
await using IVai vai = Vai.Create(o => o.AddModel("reader", file));
await vai.LoadAsync("reader");
using IChatClient chat = vai.AsIChatClient("reader");

ChatResponse<Order> answer = await chat.GetResponseAsync<Order>(
    $"Who orders what in this letter, of 2026?\n\n{Letter}", new ChatOptions { MaxOutputTokens = 400, Temperature = 0 });
Order order = answer.Result;
Console.WriteLine($"{order.Customer}, urgency {order.Urgency}, due {order.Due?.ToString("O") ?? "at any time"}");
foreach (Line line in order.Lines)
    Console.WriteLine($"  {line.Count} x {line.Article}{(line.AtMost is { } most ? $", at most {most}" : "")}");

internal enum Urgency
{
    Low,
    Normal,
    High,
}

internal sealed record Order(string Customer, Urgency Urgency, DateOnly? Due, IReadOnlyList<Line> Lines);

internal sealed record Line(string Article, int Count, [property: Description("The most that may be paid for one; null for any price.")] decimal? AtMost);
