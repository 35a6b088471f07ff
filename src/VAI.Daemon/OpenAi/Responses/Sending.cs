using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using VAI.Daemon.Admission;
using VAI.Daemon.Metrics;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>Writes into a response without letting its reader hold what was written.</summary>
internal static class Sending
{
    public const string Json = "application/json";

    private static readonly AdmissionOptions Usual = new();

    // The writers' own order of calls is fixed, and nothing here is read as HTML.
    public static JsonWriterOptions Options { get; } =
        new() { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>How long a reader may take none of what is sent to it.</summary>
    public static TimeSpan SlowReader(HttpContext http) => (http.RequestServices?.GetService<AdmissionOptions>() ?? Usual).SlowReaderTimeout;

    /// <summary>Sends a document as the whole answer.</summary>
    public static async Task JsonAsync(HttpContext http, TimeSpan timeout, Action<Utf8JsonWriter> write, int status = StatusCodes.Status200OK)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = Json;
        await using (var writer = new Utf8JsonWriter(http.Response.BodyWriter, Options))
            write(writer);
        await FlushAsync(http, timeout).ConfigureAwait(false);
    }

    /// <summary>Sends what was written.</summary>
    /// <exception cref="OperationCanceledException">The reader is gone, or was too slow and the connection is aborted.</exception>
    public static async ValueTask FlushAsync(HttpContext http, TimeSpan timeout)
    {
        ValueTask<FlushResult> flush = http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        FlushResult result;
        if (flush.IsCompletedSuccessfully)
        {
            result = flush.Result;
        }
        else
        {
            try
            {
                result = await flush.AsTask().WaitAsync(timeout).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                DaemonMeter.SlowReader();
                http.Abort();
                throw new OperationCanceledException("The client did not read in time.");
            }
        }

        if (result.IsCompleted || result.IsCanceled)
            throw new OperationCanceledException("The client is gone.");
    }
}
