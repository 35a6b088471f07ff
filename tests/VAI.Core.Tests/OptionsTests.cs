using System.Reflection;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace VAI.Core.Tests;

public sealed class OptionsTests
{
    [Fact]
    public void Options_are_read_from_configuration()
    {
        VaiOptions options = Read(
            """
            { "VAI": { "Threads": 3, "nativeDirectory": "/n", "RomDirectory": "/r", "RomWait": "00:01:00", "ParkLimit": 5, "DaemonSocket": "/s",
              "DaemonReconnect": "00:00:02", "Models": {
                "fast": { "File": "a.gguf", "ContextLength": 8192, "KeyType": "q8_0", "TensorSplit": [ 1, 2.5 ], "Devices": "cuda:0, Vulkan1" },
                "exact": { "File": "b.gguf", "Profile": "Exact" } } } }
            """);
        Assert.Equal((3, "/n", "/r", 60, 5L), (options.Threads, options.NativeDirectory, options.RomDirectory, options.RomWait.TotalSeconds, options.ParkLimit));
        Assert.Equal(("/s", 2), (options.DaemonSocket, options.DaemonReconnect.TotalSeconds));
        ModelOptions fast = options.Models.Single(m => m.Name == "fast"), exact = options.Models.Single(m => m.Name == "exact");
        Assert.Equal(("a.gguf", 8192, KvType.Q8_0, 8), (fast.File, fast.ContextLength, fast.KeyType, fast.MaxSessions));
        Assert.Equal([1f, 2.5f], fast.TensorSplit);
        Assert.Equal(["cuda:0", "Vulkan1"], fast.Devices);
        Assert.Equal(("b.gguf", RomProfile.Exact), (exact.File, exact.Profile));
    }

    [Fact]
    public void Every_public_option_is_a_key()
    {
        foreach (PropertyInfo option in typeof(VaiOptions).GetProperties())
        {
            // Without a value it says nothing: null, or a variable of the environment that is empty.
            foreach (string nothing in (string[])["null", "\"\""])
                Assert.Equal(option.GetValue(new VaiOptions()), option.GetValue(Read($$"""{ "VAI": { "{{option.Name}}": {{nothing}} } }""")));
        }
    }

    [Theory]
    [InlineData("""{ "VAI": { "Treads": 3 } }""", "VAI:Treads is no option of VAI. Take it out, or use one of Threads, ")]
    [InlineData("""{ "VAI": { "Threads": "many" } }""", "VAI:Threads")]
    [InlineData("""{ "VAI": { "Threads": { "0": 3 } } }""", "VAI:Threads is a section")]
    [InlineData("""{ "VAI": { "Models": "a.gguf" } }""", "VAI:Models is a value")]
    [InlineData("""{ "VAI": { "Models": { "a": { } } } }""", "VAI:Models:a")]
    [InlineData("""{ "VAI": { "Models": { "a": { "Profile": "Fast" } } } }""", "VAI:Models:a:File is missing. Set it to a GGUF file")]
    [InlineData("""{ "VAI": { "Models": { "a": { "File": "f", "Contxt": 1 } } } }""", "'Contxt'")]
    [InlineData("""{ "VAI": { "Models": { "a": { "File": "f", "Profile": "Slow" } } } }""", "VAI:Models:a:Profile")]
    [InlineData("""{ "VAI": { "Models": { "a": { "File": "f", "Name": "b" } } } }""", "VAI:Models:a:Name is 'b'")]
    public void What_cannot_be_read_says_its_key(string json, string expected)
    {
        VaiUsageException error = Assert.Throws<VaiUsageException>(() => Read(json));
        Assert.Equal(VaiError.InvalidOption, error.Code);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "VAI": { "Threads": 513 } }""", "Threads is 513; it must be from 1 to 512.")]
    [InlineData("""{ "VAI": { "RomDirectory": "/r\u0000" } }""", "RomDirectory has a NUL character in it. Give a path.")]
    [InlineData("""{ "VAI": { "NativeDirectory": "/r\u0000" } }""", "NativeDirectory has a NUL character in it. Give a path.")]
    [InlineData("""{ "VAI": { "DaemonSocket": "/r\u0000" } }""", "DaemonSocket is empty, or has a NUL character in it. Give the path of a socket.")]
    [InlineData("""{ "VAI": { "Models": { "a": { "File": "f\u0000" } } } }""", "File of 'a' has a NUL character in it. Set it to a GGUF file, or to the name of a ROM.")]
    [InlineData("""{ "VAI": { "ParkLimit": -1 } }""", "ParkLimit is -1; it must be from 0 to 9223372036854775807.")]
    [InlineData("""{ "VAI": { "DaemonReconnect": "2.00:00:00" } }""", "DaemonReconnect in seconds is 172800; it must be from 0 to 86400.")]
    [InlineData("""{ "VAI": { "Models": { "a": { "File": "f", "MaxSessions": 0 } } } }""", "MaxSessions of 'a' is 0; it must be from 1 to 256.")]
    [InlineData("""{ "VAI": { "Models": { "a": { "File": "f", "ValueType": 7 } } } }""", "ValueType of 'a' is 7, which is none of the enumeration's.")]
    public void What_is_out_of_its_range_is_the_same_error_at_a_hosts_start_and_without_a_container(string json, string expected)
    {
        IServiceProvider services = Services(json);
        Assert.Equal([expected], Assert.Throws<OptionsValidationException>(services.GetRequiredService<IStartupValidator>().Validate).Failures);
        Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IVai>());

        VaiOptions options = Unchecked(json);
        Assert.Equal(expected, Assert.Throws<VaiUsageException>(() => Vai.Create(options)).Message);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        VaiUsageException error = Assert.Throws<VaiUsageException>(() => Vai.Create(o =>
        {
            o.Threads = 0;
            o.AddModel("a", "f", m => m.BatchSize = 0);
        }));
        Assert.Contains("Threads is 0", error.Message, StringComparison.Ordinal);
        Assert.Contains("BatchSize of 'a' is 0", error.Message, StringComparison.Ordinal);
    }

    private static VaiOptions Read(string json) => Services(json).GetRequiredService<IOptions<VaiOptions>>().Value;

    private static VaiOptions Unchecked(string json)
    {
        var options = new VaiOptions();
        foreach (IConfigureOptions<VaiOptions> configure in Services(json).GetServices<IConfigureOptions<VaiOptions>>())
            configure.Configure(options);
        return options;
    }

    private static ServiceProvider Services(string json)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();
        return new ServiceCollection().AddVai(configuration.GetSection("VAI")).BuildServiceProvider();
    }
}
