using System.Text.Json;
using VAI.Daemon.Hosting;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>Tokens of a request.</summary>
internal struct Usage
{
    public long Prompt;
    public long Completion;
    public long Cached;
    public long Reasoning;

    /// <summary>The text that the first prompt's reuse ended with, where what was held goes on otherwise; null where none does.</summary>
    public string? CachedUntil;

    /// <param name="result">What an answer came to.</param>
    /// <param name="counts">Whether its prompt counts: it does once, however many answers it has.</param>
    public void Add(InferenceResult result, bool counts)
    {
        Completion += result.GeneratedTokens;
        Reasoning += result.ReasoningTokens;
        if (!counts)
            return;
        Prompt += result.PromptTokens;
        Cached += result.ReusedTokens;
        CachedUntil ??= result.ReuseBreak?.Before;
    }

    public readonly void Write(Utf8JsonWriter w)
    {
        w.WriteStartObject("usage"u8);
        w.WriteNumber("prompt_tokens"u8, Prompt);
        w.WriteNumber("completion_tokens"u8, Completion);
        w.WriteNumber("total_tokens"u8, Prompt + Completion);
        w.WriteStartObject("prompt_tokens_details"u8);
        w.WriteNumber("cached_tokens"u8, Cached);
        if (CachedUntil is not null)
            w.WriteString("cached_until"u8, CachedUntil);
        w.WriteEndObject();
        w.WriteStartObject("completion_tokens_details"u8);
        w.WriteNumber("reasoning_tokens"u8, Reasoning);
        w.WriteEndObject();
        w.WriteEndObject();
    }
}

/// <summary>A whole answer.</summary>
/// <param name="Text">What was said.</param>
/// <param name="Reasoning">What was thought before; empty for nothing.</param>
/// <param name="Calls">The tools that it calls.</param>
/// <param name="Finish">Why it ended.</param>
/// <param name="Probabilities">Those of its tokens; null where they were not asked for.</param>
internal sealed record Answer(string Text, string Reasoning, IReadOnlyList<ToolCallPart> Calls, FinishReason Finish, AnswerProbabilities? Probabilities);

/// <summary>The documents that answer a generation: whole ones and chunks, of chat and of text completions.</summary>
internal sealed class AnswerDocument
{
    private readonly Dictionary<(int Choice, InferenceUpdateKind Kind), ChunkFrame> _frames = [];
    private readonly bool _chat;
    private readonly JsonEncodedText _model;
    private readonly JsonEncodedText _id;
    private readonly string _fingerprint;
    private readonly long _created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    public AnswerDocument(bool chat, IModelContext model)
    {
        _chat = chat;
        _model = JsonEncodedText.Encode(model.Name, Sending.Options.Encoder);
        _fingerprint = $"vai-{DaemonStatus.Version}-{model.Info.Fingerprint}";
        Id = (chat ? "chatcmpl-" : "cmpl-") + Guid.NewGuid().ToString("N");
        _id = JsonEncodedText.Encode(Id);
    }

    public string Id { get; }

    /// <summary>The first chunk of a chat's answer: who speaks.</summary>
    public void WriteRole(Utf8JsonWriter w, int choice, bool withUsage)
    {
        StartChunk(w, choice);
        w.WriteStartObject("delta"u8);
        w.WriteString("role"u8, "assistant"u8);
        w.WriteString("content"u8, ""u8);
        w.WriteNull("refusal"u8);
        w.WriteEndObject();
        EndChunk(w, null, withUsage);
    }

    /// <summary>A chunk: text, or why the answer ended; and what is not written yet of its tokens' log probabilities.</summary>
    public void WriteChunk(
        Utf8JsonWriter w, int choice, string text, FinishReason? finish, bool withUsage, AnswerProbabilities? probabilities, InferenceUpdateKind kind = default,
        bool called = false)
    {
        StartChunk(w, choice);
        if (_chat)
        {
            w.WriteStartObject("delta"u8);
            if (text.Length > 0)
                w.WriteString(kind == InferenceUpdateKind.Reasoning ? "reasoning_content"u8 : "content"u8, text);
            w.WriteEndObject();
        }
        else
        {
            w.WriteString("text"u8, text);
        }

        EndChunk(w, finish, withUsage, probabilities, called);
    }

    /// <summary>A chunk with what is known now of a call of a tool: what it is, or more of its arguments.</summary>
    public void WriteCall(Utf8JsonWriter w, int choice, in ToolCallUpdate call, bool withUsage)
    {
        StartChunk(w, choice);
        w.WriteStartObject("delta"u8);
        w.WriteStartArray("tool_calls"u8);
        w.WriteStartObject();
        w.WriteNumber("index"u8, call.Index);
        if (call.Name is not null)
            WriteHead(w, call.Id!);
        w.WriteStartObject("function"u8);
        if (call.Name is not null)
            w.WriteString("name"u8, call.Name);
        w.WriteString("arguments"u8, call.Arguments);
        w.WriteEndObject();
        w.WriteEndObject();
        w.WriteEndArray();
        w.WriteEndObject();
        EndChunk(w, null, withUsage);
    }

    /// <summary>The same of text alone, as often as there are tokens.</summary>
    public ChunkFrame Frame(int choice, bool withUsage, InferenceUpdateKind kind)
    {
        if (!_frames.TryGetValue((choice, kind), out ChunkFrame? frame))
            _frames[(choice, kind)] = frame = ChunkFrame.Of((w, text) => WriteChunk(w, choice, text, null, withUsage, null, kind));
        return frame;
    }

    /// <summary>The last chunk, of no choice.</summary>
    public void WriteUsage(Utf8JsonWriter w, in Usage usage)
    {
        Start(w, chunk: true);
        w.WriteStartArray("choices"u8);
        w.WriteEndArray();
        usage.Write(w);
        w.WriteEndObject();
    }

    /// <summary>The whole.</summary>
    public void Write(Utf8JsonWriter w, IReadOnlyList<Answer> answers, in Usage usage)
    {
        Start(w, chunk: false);
        w.WriteStartArray("choices"u8);
        for (int i = 0; i < answers.Count; i++)
        {
            w.WriteStartObject();
            w.WriteNumber("index"u8, i);
            if (_chat)
            {
                w.WriteStartObject("message"u8);
                w.WriteString("role"u8, "assistant"u8);
                if (answers[i].Reasoning.Length > 0)
                    w.WriteString("reasoning_content"u8, answers[i].Reasoning);
                if (answers[i].Calls.Count > 0 && answers[i].Text.Length == 0)
                    w.WriteNull("content"u8);
                else
                    w.WriteString("content"u8, answers[i].Text);
                w.WriteNull("refusal"u8);
                if (answers[i].Calls.Count > 0)
                    WriteCalls(w, answers[i].Calls);
                w.WriteEndObject();
            }
            else
            {
                w.WriteString("text"u8, answers[i].Text);
            }

            Finish(w, answers[i].Finish, answers[i].Probabilities, answers[i].Calls.Count > 0);
            w.WriteEndObject();
        }

        w.WriteEndArray();
        usage.Write(w);
        w.WriteEndObject();
    }

    private static void WriteCalls(Utf8JsonWriter w, IReadOnlyList<ToolCallPart> calls)
    {
        w.WriteStartArray("tool_calls"u8);
        foreach (ToolCallPart call in calls)
        {
            w.WriteStartObject();
            WriteHead(w, call.Id!);
            w.WriteStartObject("function"u8);
            w.WriteString("name"u8, call.Name);
            w.WriteString("arguments"u8, call.Arguments);
            w.WriteEndObject();
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static void WriteHead(Utf8JsonWriter w, string id)
    {
        w.WriteString("id"u8, id);
        w.WriteString("type"u8, "function"u8);
    }

    private void Start(Utf8JsonWriter w, bool chunk)
    {
        w.WriteStartObject();
        w.WriteString("id"u8, _id);
        w.WriteString("object"u8, !_chat ? "text_completion"u8 : chunk ? "chat.completion.chunk"u8 : "chat.completion"u8);
        w.WriteNumber("created"u8, _created);
        w.WriteString("model"u8, _model);
        w.WriteString("system_fingerprint"u8, _fingerprint);
    }

    private void StartChunk(Utf8JsonWriter w, int choice)
    {
        Start(w, chunk: true);
        w.WriteStartArray("choices"u8);
        w.WriteStartObject();
        w.WriteNumber("index"u8, choice);
    }

    private void EndChunk(Utf8JsonWriter w, FinishReason? finish, bool withUsage, AnswerProbabilities? probabilities = null, bool called = false)
    {
        Finish(w, finish, probabilities, called);
        w.WriteEndObject();
        w.WriteEndArray();
        if (withUsage)
            w.WriteNull("usage"u8);
        w.WriteEndObject();
    }

    private void Finish(Utf8JsonWriter w, FinishReason? finish, AnswerProbabilities? probabilities, bool called)
    {
        if (probabilities is null || probabilities.IsEmpty)
            w.WriteNull("logprobs"u8);
        else
            probabilities.Write(w, _chat);
        if (finish is null)
            w.WriteNull("finish_reason"u8);
        else
            w.WriteString("finish_reason"u8, finish is not (FinishReason.EndOfSequence or FinishReason.StopString) ? "length"u8 : called ? "tool_calls"u8 : "stop"u8);
    }
}
