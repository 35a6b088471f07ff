using System.Net.Http.Headers;
using System.Text.Json;
using VAI.Remote.Wire;
using VAI.Sessions;

namespace VAI.Remote;

/// <summary>
/// Saved sessions on their way between a daemon and this process, whose files they are: the daemon may see another file system, and be
/// another user.
/// </summary>
internal static class RemoteFile
{
    /// <summary>What they are sent as.</summary>
    public const string ContentType = "application/vnd.vai.session";

    /// <summary>What a daemon's errors call one that was sent to it, which has another path here and there.</summary>
    public const string Sent = "The file that was sent";

    /// <summary>The header of an upload: its <see cref="WireOpen"/>.</summary>
    public const string OpenHeader = "VAI-Open";

    private const int Block = 1 << 20;

    /// <summary>Writes one. What was at the path is replaced at once, or not at all.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.FileNotWritable"/>.</exception>
    public static async Task WriteAsync(string path, Stream from, CancellationToken cancellationToken)
    {
        using SessionDraft draft = Do(path, () => SessionDraft.Begin(path));
        byte[] buffer = new byte[Block];
        int read;
        while ((read = await from.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            Do(path, () => draft.Stream.Write(buffer, 0, read));
        Do(path, () => draft.Publish());
    }

    /// <summary>A request that sends one.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotFound"/> or <see cref="VaiError.FileNotReadable"/>.</exception>
    public static HttpRequestMessage Post(string url, string path, WireOpen open)
    {
        var content = new StreamContent(SessionFile.Open(path), Block);
        content.Headers.ContentType = new MediaTypeHeaderValue(ContentType);
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = content };

        // What is refused is not sent.
        request.Headers.ExpectContinue = true;
        request.Headers.TryAddWithoutValidation(OpenHeader, JsonSerializer.Serialize(open, WireJson.Default.WireOpen));
        return request;
    }

    private static void Do(string path, Action write) => Do<object?>(path, () =>
    {
        write();
        return null;
    });

    private static T Do<T>(string path, Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiEngineException(VaiError.FileNotWritable, $"{path}: the session could not be saved: {e.Message} Check the path and the space.", e);
        }
    }
}
