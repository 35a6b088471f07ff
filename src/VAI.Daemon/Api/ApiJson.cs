using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using VAI.Daemon.Admission;
using VAI.OptionRules;
using VAI.Remote.Wire;

namespace VAI.Daemon.Api;

/// <summary>Documents in and out of a request. What comes in is read strictly.</summary>
internal static class ApiJson
{
    /// <summary>Most bytes of a body: a prompt of 16 MiB with every character escaped.</summary>
    public const long MaxBody = 100L << 20;

    private static readonly WireJson Strict = new(new JsonSerializerOptions(WireJson.Default.Options)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
    });

    public static JsonTypeInfo<T> TypeOf<T>() => (JsonTypeInfo<T>)Strict.GetTypeInfo(typeof(T))!;

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it is no such document.</exception>
    /// <exception cref="BadHttpRequestException">It is too long.</exception>
    public static async ValueTask<T> ReadAsync<T>(HttpContext context)
        where T : class
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = MaxBody;
        try
        {
            Stream body = context.Request.Body;
            return (body is HeldBodies.Body held
                ? await held.TakeApartAsync(bytes => JsonSerializer.Deserialize(WithoutMark(bytes.Span), TypeOf<T>()), context.RequestAborted).ConfigureAwait(false)
                : await JsonSerializer.DeserializeAsync(body, TypeOf<T>(), context.RequestAborted).ConfigureAwait(false))
                ?? throw OptionCheck.Invalid("The body is null. Send a JSON object.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException)
        {
            throw new VaiUsageException(VaiError.InvalidOption, $"The body is not what this path takes: {e.Message}", e);
        }
    }

    // As a stream is read.
    private static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> utf8) => utf8.StartsWith("\uFEFF"u8) ? utf8["\uFEFF"u8.Length..] : utf8;

    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it is no such document.</exception>
    public static T Read<T>(string text)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(text, TypeOf<T>()) ?? throw OptionCheck.Invalid("The document is null. Send a JSON object.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException)
        {
            throw new VaiUsageException(VaiError.InvalidOption, $"The document is not what this path takes: {e.Message}", e);
        }
    }

    /// <summary>A member that must be there.</summary>
    public static T Needed<T>(T? value, string name)
        where T : class => value ?? throw OptionCheck.Invalid($"The body has no \"{name}\". Give it.");

    public static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(value, type);
        context.Response.ContentLength = body.Length;
        await context.Response.BodyWriter.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }
}
