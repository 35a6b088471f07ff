using System.Text.Json;
using Microsoft.AspNetCore.Http;
using VAI.Daemon.OpenAi.Requests;
using VAI.Daemon.OpenAi.Responses;

namespace VAI.Daemon.OpenAi;

/// <summary>
/// What llama-server has beside OpenAI's API: <c>/apply-template</c>, <c>/tokenize</c> and <c>/detokenize</c>. As several models may be resident, a
/// request names one; it need not where there is one alone.
/// </summary>
internal sealed class TemplateApi(IVai vai, OpenAiOptions options)
{

    /// <summary>The prompt of a conversation, and its segments: which the template wrote, and which the caller.</summary>
    public async Task ApplyAsync(HttpContext http, CancellationToken cancellationToken)
    {
        (string? name, IReadOnlyList<ChatTurn> turns, ChatRenderOptions rendering) = await RequestBody.ReadAsync(http, options, (root, ignored) =>
        {
            var fields = new Fields(root, ignored);
            IReadOnlyList<ChatTurn> read = ChatMessages.Read(fields, fields.Take("messages") ?? throw Fields.Missing("messages"));
            ChatRenderOptions how = TemplateFields.Read(fields, read, ThinkingFields.Read(fields)) with { Tools = ToolFields.List(fields, "tools") };
            (string?, IReadOnlyList<ChatTurn>, ChatRenderOptions) request = (fields.Text("model"), read, how);
            fields.End();
            return request;
        }).ConfigureAwait(false);
        ChatPrompt prompt = await Select(name).RenderChatAsync(turns, rendering, cancellationToken).ConfigureAwait(false);
        await Sending.JsonAsync(http, options.SlowReaderTimeout, w => Write(w, prompt)).ConfigureAwait(false);
    }

    public async Task TokenizeAsync(HttpContext http, CancellationToken cancellationToken)
    {
        (string? name, string content, bool addSpecial, bool parseSpecial, bool pieces) = await RequestBody.ReadAsync(http, options, (root, ignored) =>
        {
            var fields = new Fields(root, ignored);
            (string?, string, bool, bool, bool) request = (
                fields.Text("model"), fields.Text("content") ?? throw Fields.Missing("content"), fields.Flag("add_special") ?? false,
                fields.Flag("parse_special") ?? true, fields.Flag("with_pieces") ?? false);
            fields.End();
            return request;
        }).ConfigureAwait(false);
        IModelContext model = Select(name);
        IReadOnlyList<int> tokens = await model.TokenizeAsync(content, addSpecial, parseSpecial, cancellationToken).ConfigureAwait(false);
        string[] texts = pieces ? await PiecesAsync(model, tokens, cancellationToken).ConfigureAwait(false) : [];
        await Sending.JsonAsync(http, options.SlowReaderTimeout, w => Write(w, tokens, texts)).ConfigureAwait(false);
    }

    public async Task DetokenizeAsync(HttpContext http, CancellationToken cancellationToken)
    {
        (string? name, int[] tokens) = await RequestBody.ReadAsync(http, options, (root, ignored) =>
        {
            var fields = new Fields(root, ignored);
            JsonElement ids = fields.Take("tokens") ?? throw Fields.Missing("tokens");
            if (ids.ValueKind != JsonValueKind.Array)
                throw Fields.WrongType("tokens", "an array of token ids", ids);
            (string?, int[]) request = (fields.Text("model"), [.. ids.EnumerateArray().Select(Id)]);
            fields.End();
            return request;
        }).ConfigureAwait(false);
        string text = await Select(name).DetokenizeAsync(tokens, special: true, cancellationToken).ConfigureAwait(false);
        await Sending.JsonAsync(http, options.SlowReaderTimeout, w =>
        {
            w.WriteStartObject();
            w.WriteString("content"u8, text);
            w.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static int Id(JsonElement id) => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int token)
        ? token : throw Fields.WrongType("tokens", "an array of token ids", id);

    private IModelContext Select(string? name)
    {
        if (name is not null)
            return vai.Select(name);
        IReadOnlyList<IModelContext> models = vai.Models;
        return models.Count == 1 ? models[0] : throw Fields.Missing("model");
    }

    private static async ValueTask<string[]> PiecesAsync(IModelContext model, IReadOnlyList<int> tokens, CancellationToken cancellationToken)
    {
        string[] pieces = new string[tokens.Count];
        for (int i = 0; i < pieces.Length; i++)
            pieces[i] = await model.DetokenizeAsync([tokens[i]], special: true, cancellationToken).ConfigureAwait(false);
        return pieces;
    }

    private static void Write(Utf8JsonWriter w, ChatPrompt prompt)
    {
        w.WriteStartObject();
        w.WriteString("prompt"u8, prompt.Text);
        w.WriteStartArray("segments"u8);
        foreach (PromptSegment segment in prompt.Segments)
        {
            w.WriteStartObject();
            w.WriteString("from"u8, segment.IsCallers ? "caller"u8 : "template"u8);
            w.WriteString("text"u8, segment.Text);
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteStartArray("repairs"u8);
        foreach (string repair in prompt.Repairs)
            w.WriteStringValue(repair);
        w.WriteEndArray();
        w.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter w, IReadOnlyList<int> tokens, string[] pieces)
    {
        w.WriteStartObject();
        w.WriteStartArray("tokens"u8);
        for (int i = 0; i < tokens.Count; i++)
        {
            if (pieces.Length == 0)
            {
                w.WriteNumberValue(tokens[i]);
                continue;
            }

            w.WriteStartObject();
            w.WriteNumber("id"u8, tokens[i]);
            w.WriteString("piece"u8, pieces[i]);
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteEndObject();
    }
}
