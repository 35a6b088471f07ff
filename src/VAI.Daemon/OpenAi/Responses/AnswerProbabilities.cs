using System.Globalization;
using System.Text;
using System.Text.Json;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>
/// The log probabilities of an answer's tokens that are not written yet. They are written with the text that the tokens complete; the
/// token that ends the sequence is no part of the answer.
/// </summary>
internal sealed class AnswerProbabilities
{
    // JSON has no infinity; OpenAI's own stand-in.
    private const float Impossible = -9999;

    private readonly List<TokenLogProbabilities> _tokens = [];
    private int _offset;

    public bool IsEmpty => _tokens.Count == 0;

    /// <summary>Takes what an update says, if it says anything.</summary>
    public static void Add(ref AnswerProbabilities? to, InferenceUpdate update)
    {
        if (update.LogProbabilities is { } token)
            (to ??= new AnswerProbabilities())._tokens.Add(token);
        else if (update.Result is { FinishReason: FinishReason.EndOfSequence } && to is { IsEmpty: false })
            to._tokens.RemoveAt(to._tokens.Count - 1);
    }

    /// <summary>Writes the member, of a chat's choice or of a text completion's, and forgets what is written.</summary>
    public void Write(Utf8JsonWriter w, bool chat)
    {
        w.WriteStartObject("logprobs"u8);
        if (chat)
            WriteChat(w);
        else
            WriteCompletion(w);
        w.WriteEndObject();
        _tokens.Clear();
    }

    private void WriteChat(Utf8JsonWriter w)
    {
        w.WriteStartArray("content"u8);
        foreach (TokenLogProbabilities token in _tokens)
        {
            w.WriteStartObject();
            WriteToken(w, token.Token);
            w.WriteStartArray("top_logprobs"u8);
            foreach (TokenLogProbability top in token.Top)
            {
                w.WriteStartObject();
                WriteToken(w, top);
                w.WriteEndObject();
            }

            w.WriteEndArray();
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteNull("refusal"u8);
    }

    private void WriteCompletion(Utf8JsonWriter w)
    {
        w.WriteStartArray("tokens"u8);
        foreach (TokenLogProbabilities token in _tokens)
            w.WriteStringValue(TextOf(token.Token));
        w.WriteEndArray();
        w.WriteStartArray("token_logprobs"u8);
        foreach (TokenLogProbabilities token in _tokens)
            w.WriteNumberValue(Finite(token.Token.LogProbability));
        w.WriteEndArray();
        w.WriteStartArray("top_logprobs"u8);
        foreach (TokenLogProbabilities token in _tokens)
            WriteTop(w, token);
        w.WriteEndArray();
        w.WriteStartArray("text_offset"u8);
        foreach (TokenLogProbabilities token in _tokens)
        {
            // In characters. A token that goes on with one begins where that does.
            ReadOnlySpan<byte> bytes = token.Token.Bytes.Span;
            w.WriteNumberValue(bytes.Length > 0 && !Begins(bytes[0]) && _offset > 0 ? _offset - 1 : _offset);
            foreach (byte b in bytes)
                _offset += Begins(b) ? 1 : 0;
        }

        w.WriteEndArray();

        static bool Begins(byte b) => (b & 0xC0) != 0x80;
    }

    // By text; the token itself is there, whether or not it is one of the likeliest.
    private static void WriteTop(Utf8JsonWriter w, TokenLogProbabilities token)
    {
        if (token.Top.Count == 0)
        {
            w.WriteNullValue();
            return;
        }

        var written = new HashSet<string>(StringComparer.Ordinal);
        w.WriteStartObject();
        foreach (TokenLogProbability top in token.Top.Append(token.Token))
        {
            string text = TextOf(top);
            if (written.Add(text))
                w.WriteNumber(text, Finite(top.LogProbability));
        }

        w.WriteEndObject();
    }

    private static void WriteToken(Utf8JsonWriter w, TokenLogProbability token)
    {
        w.WriteString("token"u8, TextOf(token));
        w.WriteNumber("logprob"u8, Finite(token.LogProbability));
        w.WriteStartArray("bytes"u8);
        foreach (byte b in token.Bytes.Span)
            w.WriteNumberValue(b);
        w.WriteEndArray();
    }

    // Bytes that are no characters by themselves are told apart, as OpenAI does.
    private static string TextOf(TokenLogProbability token)
    {
        ReadOnlySpan<byte> bytes = token.Bytes.Span;
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            return Encoding.UTF8.GetString(bytes);
        var text = new StringBuilder("bytes:");
        foreach (byte b in bytes)
            text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
        return text.ToString();
    }

    private static float Finite(float logProbability) => float.IsFinite(logProbability) ? logProbability : Impossible;
}
