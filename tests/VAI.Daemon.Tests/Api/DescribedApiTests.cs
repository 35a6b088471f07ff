using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using VAI.Daemon.Api;
using VAI.Daemon.OpenAi;
using VAI.Remote.Wire;

namespace VAI.Daemon.Tests.Api;

/// <summary>What the document says of VAI's own API: its routes, and the members of what travels.</summary>
public sealed class DescribedApiTests
{
    private static readonly JsonElement Document = Read();

    /// <summary>The documents that are described, with their types.</summary>
    public static TheoryData<string> Described => [.. Schemas().Where(s => TypeOf(s.Name) is not null).Select(s => s.Name)];

    [Fact]
    public async Task Every_route_is_in_the_document_and_no_other()
    {
        // A client, which connects with the first call.
        await using IVai vai = VAI.Vai.Create(o => o.UseDaemon("/nowhere/vai.sock"));
        await using var sessions = new SessionTable(null);
        await using WebApplication app = WebApplication.CreateSlimBuilder().Build();
        app.MapVai(vai, sessions);
        IEnumerable<string> routes = ((IEndpointRouteBuilder)app).DataSources.SelectMany(d => d.Endpoints).OfType<RouteEndpoint>().SelectMany(
            r => r.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Select(m => $"{m} {r.RoutePattern.RawText}"));
        IEnumerable<string> described = Document.GetProperty("paths").EnumerateObject().Where(p => p.Name.StartsWith("/vai/", StringComparison.Ordinal))
            .SelectMany(p => p.Value.EnumerateObject().Select(m => $"{m.Name.ToUpperInvariant()} {p.Name}"));
        Assert.Equal(routes.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Described))]
    public void A_document_has_the_members_that_travel(string schema)
    {
        JsonTypeInfo type = TypeOf(schema)!;
        // What does not travel can be neither read nor written.
        JsonPropertyInfo[] travelling = [.. type.Properties.Where(p => p.Get is not null)];
        JsonElement members = Document.GetProperty("components").GetProperty("schemas").GetProperty(schema).GetProperty("properties");
        Assert.Equal(travelling.Select(p => p.Name).Order(StringComparer.Ordinal), members.EnumerateObject().Select(m => m.Name).Order(StringComparer.Ordinal));
        foreach (JsonPropertyInfo member in travelling.Where(p => p.PropertyType.IsEnum))
        {
            Assert.Equal(
                Enum.GetNames(member.PropertyType).Order(StringComparer.Ordinal),
                members.GetProperty(member.Name).GetProperty("enum").EnumerateArray().Select(v => v.GetString()!).Order(StringComparer.Ordinal));
        }
    }

    private static IEnumerable<JsonProperty> Schemas() => Document.GetProperty("components").GetProperty("schemas").EnumerateObject();

    private static JsonTypeInfo? TypeOf(string schema)
    {
        Type? type = typeof(WireVerb).Assembly.GetType($"VAI.Remote.Wire.{schema}")
            ?? (schema is nameof(ModelOptions) ? typeof(ModelOptions) : schema is nameof(Sessions.SessionState) ? typeof(Sessions.SessionState) : null);
        return type is null ? null : WireJson.Default.GetTypeInfo(type);
    }

    private static JsonElement Read()
    {
        using Stream document = typeof(OpenAiOptions).Assembly.GetManifestResourceStream("openapi.json")!;
        return JsonDocument.Parse(document).RootElement;
    }
}
