using System.Buffers;
using System.Text;
using System.Text.Json;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>What an answer's chunks have in common, as bytes: a token's own is its text alone.</summary>
/// <param name="Head">Before the text.</param>
/// <param name="Tail">Behind it.</param>
internal sealed record ChunkFrame(byte[] Head, byte[] Tail)
{
    // Stands for the text, behind all that clients and files name.
    private const string Mark = "text";

    /// <param name="write">Writes the document with a text.</param>
    public static ChunkFrame Of(Action<Utf8JsonWriter, string> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Sending.Options))
            write(writer, Mark);
        byte[] text = Encoding.UTF8.GetBytes($"\"{Mark}\"");
        int at = buffer.WrittenSpan.LastIndexOf(text);
        return new ChunkFrame([.. "data: "u8, .. buffer.WrittenSpan[..at]], [.. buffer.WrittenSpan[(at + text.Length)..], .. "\n\n"u8]);
    }
}
