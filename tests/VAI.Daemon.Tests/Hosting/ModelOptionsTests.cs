using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using VAI.Remote.Wire;

namespace VAI.Daemon.Tests.Hosting;

/// <summary>A model's chat template goes with its other options.</summary>
public sealed class ModelOptionsTests
{
    private const string Template = "{{ messages[0].content }} \"\u00fc\"\n";

    [Fact]
    public void A_chat_template_is_read_from_configuration()
    {
        string json = JsonSerializer.Serialize(new { VAI = new { Models = new { m = new { File = "/m.gguf", ChatTemplate = Template } } } });
        IConfiguration configuration = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();
        using ServiceProvider services = new ServiceCollection().AddVai(configuration.GetSection("VAI")).BuildServiceProvider();
        Assert.Equal(Template, Assert.Single(services.GetRequiredService<IOptions<VaiOptions>>().Value.Models).ChatTemplate);
    }

    [Fact]
    public void A_chat_template_travels_to_the_daemon_and_from_it_to_its_engine()
    {
        var model = new ModelOptions { Name = "m", File = "/m.gguf", ChatTemplate = Template };
        Assert.Equal(model, Sent(new WireModelRequest(null, model), WireJson.Default.WireModelRequest).Model);
        Assert.Equal(model, Assert.Single(Sent(new WirePrepare([model]), WireJson.Default.WirePrepare).Models));
    }

    private static T Sent<T>(T document, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(JsonSerializer.SerializeToUtf8Bytes(document, type), type)!;
}
