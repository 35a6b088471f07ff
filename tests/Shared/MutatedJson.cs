using System.Text.Json;
using System.Text.Json.Nodes;

namespace VAI.Tests.Shared;

/// <summary>JSON that was right once: a part of it is another's, is missing, stands twice, or is of another kind; now and then it is no JSON any more.</summary>
/// <param name="bases">Texts that are right.</param>
internal sealed class MutatedJson(IReadOnlyList<string> bases)
{
    // Of a surrogate pair, which can be written and is no text.
    private const string Half = "\"half\"";

    private static readonly string[] Extremes =
    [
        "null", "true", "false", "0", "-1", "1e999", "-0.0", "2147483648", "9223372036854775808", "1.5", "\"\"", "\"\\u0000\"", Half, "\"" + new string('x', 5_000) + "\"", "[]", "{}", "[[]]",
        "[null]", "{\"\":null}", new string('[', 100) + new string(']', 100),
    ];

    private readonly string[] _parts = [.. bases.SelectMany(b => Nodes(JsonNode.Parse(b)!)).Select(n => n.ToJsonString()).Where(t => t.Length < 2_000).Distinct()];
    private readonly string[] _names = [.. bases.SelectMany(b => Nodes(JsonNode.Parse(b)!)).OfType<JsonObject>().SelectMany(o => o.Select(m => m.Key)).Distinct()];

    /// <summary>One of them, and which it was made of.</summary>
    /// <param name="random">The same numbers make the same text.</param>
    /// <param name="change">What is done to it before it is written; null for nothing.</param>
    public (string Text, int Of) Next(Random random, Action<JsonNode>? change = null)
    {
        int of = random.Next(bases.Count);
        JsonNode root = JsonNode.Parse(bases[of])!;
        for (int left = random.Next(1, 4); left > 0; left--)
        {
            JsonNode[] inner = [.. Nodes(root).Where(n => n is JsonObject { Count: > 0 } or JsonArray { Count: > 0 })];
            if (inner.Length > 0)
                Mutate(inner[random.Next(inner.Length)], random);
        }

        change?.Invoke(root);
        string text = root.ToJsonString().Replace(Half, "\"\\ud800\"", StringComparison.Ordinal);
        return (random.Next(20) == 0 ? Broken(text, random) : text, of);
    }

    private static string Broken(string text, Random random)
    {
        int at = random.Next(text.Length);
        return random.Next(3) switch
        {
            0 => text[..at],
            1 => text.Remove(at, 1),
            _ => text.Insert(at, "{}[]\",:\\0e"[random.Next(10)].ToString()),
        };
    }

    private void Mutate(JsonNode node, Random random)
    {
        switch (node)
        {
            case JsonObject members:
                string name = members.ElementAt(random.Next(members.Count)).Key;
                switch (random.Next(5))
                {
                    case 0:
                        members.Remove(name);
                        break;
                    case 1:
                        JsonNode? moved = members[name]?.DeepClone();
                        members.Remove(name);
                        members[_names[random.Next(_names.Length)]] = moved;
                        break;
                    case 2:
                        members[_names[random.Next(_names.Length)]] = Part(random);
                        break;
                    default:
                        members[name] = Part(random);
                        break;
                }

                break;
            case JsonArray items:
                int at = random.Next(items.Count);
                switch (random.Next(4))
                {
                    case 0:
                        items.RemoveAt(at);
                        break;
                    case 1:
                        items.Add(items[at]?.DeepClone());
                        break;
                    default:
                        items[at] = Part(random);
                        break;
                }

                break;
        }
    }

    private JsonNode? Part(Random random) => JsonNode.Parse(random.Next(2) == 0 ? Extremes[random.Next(Extremes.Length)] : _parts[random.Next(_parts.Length)], null, new JsonDocumentOptions { MaxDepth = 200 });

    private static IEnumerable<JsonNode> Nodes(JsonNode node) => node switch
    {
        JsonObject members => [node, .. members.Select(m => m.Value).OfType<JsonNode>().SelectMany(Nodes)],
        JsonArray items => [node, .. items.OfType<JsonNode>().SelectMany(Nodes)],
        _ => [node],
    };
}
