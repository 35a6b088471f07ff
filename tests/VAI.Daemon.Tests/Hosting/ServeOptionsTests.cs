using Microsoft.Extensions.Logging;
using VAI.Daemon.Hosting.Configuration;
using VAI.Daemon.Supervision;

namespace VAI.Daemon.Tests.Hosting;

/// <summary>The options of <c>vai serve</c>: each error names the key.</summary>
public sealed class ServeOptionsTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-serve-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("{\"ctx\": 1.5}", ": ctx is 1.5")]
    [InlineData("{\"ctx\": 99999999999}", ": ctx is 99999999999")]
    [InlineData("{\"ctx\": 1, \"ctx\": 2}", ": ctx is there twice")]
    [InlineData("{\"CTX\": 1}", ": CTX is no option. Known: model,")]
    [InlineData("{\"profile\": \"slow\"}", ": profile is \"slow\", but must be \"fast\" or \"exact\"")]
    [InlineData("{\"profile\": 1}", ": profile is 1")]
    [InlineData("{\"socket\": \"\"}", ": socket is \"\"")]
    [InlineData("{\"drain\": \"long\"}", ": drain is \"long\"")]
    [InlineData("{\"model\": [\"a\"]}", ": model must be an object")]
    [InlineData("{\"model\": {\"a\": 1}}", ": model.a must be a file")]
    [InlineData("{\"model\": {\"a\": {}}}", ": model.a has no file")]
    [InlineData("{\"model\": {\"a\": {\"file\": \"x\", \"size\": 1}}}", ": model.a.size is no option of a model")]
    [InlineData("{\"model\": {\"a\": {\"file\": \"x\", \"ctx\": null}}}", ": model.a.ctx is null")]
    [InlineData("{\"chatTemplate\": 1}", ": chatTemplate is 1, but must be a text")]
    [InlineData("{\"model\": {\"a\": {\"file\": \"x\", \"chatTemplate\": \"\"}}}", ": model.a.chatTemplate is \"\"")]
    [InlineData("{\"httpAdmin\": \"yes\"}", ": httpAdmin is \"yes\", but must be true or false")]
    [InlineData("{\"cors\": [1]}", ": cors is 1")]
    [InlineData("{\"gpuLayers\": -2}", ": gpuLayers is -2, but must be a number of layers, -1 or all")]
    [InlineData("{\"gpuLayers\": null}", ": gpuLayers is null")]
    [InlineData("{\"model\": {\"a\": {\"file\": \"x\", \"gpuLayers\": \"most\"}}}", ": model.a.gpuLayers is most")]
    [InlineData("{\"device\": \"cuda:0,\"}", ": device has an empty name in it")]
    [InlineData("{\"device\": [0]}", ": device is 0, but must be a text")]
    [InlineData("{\"vram\": -1}", ": vram is -1, but must be a size, as 8GiB")]
    [InlineData("{\"vram\": \"9999999T\"}", ": vram is 9999999T")]
    [InlineData("{\"sharePrefixes\": \"some\"}", ": sharePrefixes is 'some', but must be none, key or all")]
    [InlineData("{\"strict\": 1}", ": strict is 1, but must be true or false")]
    [InlineData("{\"sampling\": 1}", ": sampling must be an object")]
    [InlineData("{\"sampling\": {\"temp\": 1}}", ": sampling.temp is no option of sampling")]
    [InlineData("{\"sampling\": {\"temperature\": 3}}", ": sampling.temperature is 3, but must be a number from 0 to 2")]
    [InlineData("{\"sampling\": {\"topK\": 0.5}}", ": sampling.topK is 0.5, but must be a whole number")]
    [InlineData("{\"model\": {\"a\": {\"file\": \"x\", \"sampling\": {\"topP\": 0}}}}", ": model.a.sampling.topP is 0")]
    [InlineData("{", "is not JSON (line 1")]
    [InlineData("", "is not JSON (line 1")]
    public void File_is_read_strictly(string json, string said)
    {
        VaiUsageException e = Assert.Throws<VaiUsageException>(() => ServeFile.Read(Write(json)));
        Assert.Equal(VaiError.InvalidOption, e.Code);
        Assert.Contains(said, e.Message);
    }

    [Fact]
    public void A_missing_file_is_said_to_be_missing() => Assert.Equal(
        VaiError.FileNotFound, Assert.Throws<VaiUsageException>(() => ServeFile.Read("/nowhere/vai.json")).Code);

    [Theory]
    [InlineData("{\"ctx\": 0}", "ctx is 0, but must be from 1 to")]
    [InlineData("{\"sessions\": 257}", "sessions is 257, but must be from 1 to 256")]
    [InlineData("{\"threads\": 0}", "threads is 0")]
    [InlineData("{\"drain\": -1}", "drain is -1")]
    [InlineData("{\"modelsDir\": \"/nowhere\"}", "modelsDir is '/nowhere'")]
    [InlineData("{\"apiKeyFile\": \"/nowhere\"}", "apiKeyFile is '/nowhere'")]
    [InlineData("{\"http\": \"8080\"}", "http is '8080'")]
    [InlineData("{\"http\": \"example.org:80\"}", "http is 'example.org:80'")]
    [InlineData("{\"http\": \"127.0.0.1:65536\"}", "http is '127.0.0.1:65536'")]
    [InlineData("{\"http\": \"0.0.0.0:80\"}", "http is 0.0.0.0:80, which others can reach")]
    [InlineData("{\"http\": \"[::]:80\"}", "http is [::]:80, which others can reach")]
    [InlineData("{\"httpAdmin\": true}", "httpAdmin needs an apiKeyFile")]
    [InlineData("{\"httpHost\": \"http://x\"}", "httpHost is 'http://x'")]
    [InlineData("{\"cors\": \"*\"}", "cors is '*', which is no origin")]
    [InlineData("{\"cors\": [\"https://a\", \"null\"]}", "cors is 'null'")]
    [InlineData("{\"cors\": \"https://a/path\"}", "cors is 'https://a/path'")]
    [InlineData("{\"trustedProxy\": \"proxy\"}", "trustedProxy is 'proxy'")]
    [InlineData("{\"maxActive\": 0}", "maxActive is 0")]
    [InlineData("{\"maxActive\": 4, \"clientActive\": 5}", "clientActive is 5, but must be from 1 to 4")]
    [InlineData("{\"clientSessions\": 0}", "clientSessions is 0")]
    [InlineData("{\"sessionIdle\": 0}", "sessionIdle is 0")]
    [InlineData("{\"connectionIdle\": 1e9}", "connectionIdle is 1")]
    [InlineData("{\"slowReader\": 1}", "slowReader is 1")]
    [InlineData("{\"model\": {\"a\": {\"file\": \"x\", \"sram\": 0}}}", "model.a.sram is 0")]
    [InlineData("{\"model\": {\"a\": \"x\", \"a\": \"y\"}}", "model has two models called 'a'")]
    public void Values_are_checked(string json, string said)
    {
        VaiUsageException e = Assert.Throws<VaiUsageException>(() => ServeFile.Read(Write(json)).Validate());
        Assert.Equal(VaiError.InvalidOption, e.Code);
        Assert.StartsWith(said.Split(' ')[0], e.Message);
        Assert.Contains(said, e.Message);
    }

    [Fact]
    public void Socket_is_short_enough_for_the_kernel() => Assert.Contains(
        "socket is", Assert.Throws<VaiUsageException>(new ServeOptions { Socket = "/" + new string('a', 100) }.Validate).Message);

    [Fact]
    public void Command_line_wins_over_the_file()
    {
        ServeOptions file = ServeFile.Read(Write(
            "{\"model\": {\"a\": \"/file/a\", \"b\": {\"file\": \"/file/b\", \"profile\": \"exact\", \"sessions\": 2}}, \"ctx\": 64, \"drain\": 1.5}"));
        ServeOptions o = new ServeOptions { Models = [new ServedModel("a", "/line/a")], Context = 32, Sessions = 3 }.Over(file);
        o.Validate();
        Assert.Equal(TimeSpan.FromSeconds(1.5), o.DrainTime);
        Assert.Equal(
            [
                new ModelOptions { Name = "a", File = "/line/a", ContextLength = 32, MaxSessions = 3, GpuLayers = 0 },
                new ModelOptions { Name = "b", File = "/file/b", ContextLength = 32, MaxSessions = 2, Profile = RomProfile.Exact, GpuLayers = 0 },
            ],
            o.Configured().Known);
        Assert.Equal(["a", "b"], o.Configured().Named);
    }

    /// <summary>A device without a count of layers, and auto without a device, have as many go there as fit.</summary>
    [Theory]
    [InlineData("{}", null, 0)]
    [InlineData("{\"gpuLayers\": 12}", null, 12)]
    [InlineData("{\"gpuLayers\": \"All\"}", null, -1)]
    [InlineData("{\"gpuLayers\": \"auto\"}", "gpu", null)]
    [InlineData("{\"device\": \"cuda:1, Vulkan0\"}", "cuda:1 Vulkan0", null)]
    [InlineData("{\"device\": [\"cuda:1\"], \"gpuLayers\": 3}", "cuda:1", 3)]
    [InlineData("{\"device\": \"cuda:1\", \"model\": {\"m\": {\"file\": \"/m\", \"device\": \"cpu\"}}}", "cpu", null)]
    [InlineData("{\"gpuLayers\": \"all\", \"model\": {\"m\": {\"file\": \"/m\", \"device\": \"cpu\"}}}", "cpu", null)]
    [InlineData("{\"gpuLayers\": 4, \"model\": {\"m\": {\"file\": \"/m\", \"gpuLayers\": \"auto\"}}}", "gpu", null)]
    public void Devices_and_layers_go_together(string json, string? devices, int? layers)
    {
        ServeOptions o = ServeFile.Read(Write(json));
        ModelOptions model = (o.Models.Count > 0 ? o : o with { Models = [new ServedModel("m", "/m")] }).Configured().Known.Single();
        Assert.Equal((devices, layers), (model.Devices is null ? null : string.Join(' ', model.Devices), model.GpuLayers));
    }

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("1073741824", 1L << 30)]
    [InlineData("64MiB", 64L << 20)]
    [InlineData("1.5g", 3L << 29)]
    [InlineData("2 kB", null)]
    [InlineData("8TB", 8L << 40)]
    [InlineData("GiB", null)]
    [InlineData("-1", null)]
    [InlineData("1e3", null)]
    [InlineData("", null)]
    public void Sizes_are_read_as_people_write_them(string text, long? bytes)
    {
        if (bytes is { } size)
            Assert.Equal(size, ByteSize.Parse("--vram", text));
        else
            Assert.StartsWith("--vram is ", Assert.Throws<VaiUsageException>(() => ByteSize.Parse("--vram", text)).Message);
    }

    [Fact]
    public void Models_of_a_directory_have_the_names_of_their_files()
    {
        File.WriteAllText(Path.Combine(_directory.FullName, "b.gguf"), "");
        File.WriteAllText(Path.Combine(_directory.FullName, "a.gguf"), "");
        File.WriteAllText(Path.Combine(_directory.FullName, "c.txt"), "");
        var o = new ServeOptions { Models = [new ServedModel("b", "/other/b")], ModelsDirectory = _directory.FullName };
        Assert.Equal([("b", "/other/b"), ("a", Path.Combine(_directory.FullName, "a.gguf"))], o.Configured().Known.Select(m => (m.Name, m.File)));
        Assert.Equal(["b"], o.Configured().Named);
    }

    [Fact]
    public void Paths_are_relative_to_the_file()
    {
        string here = _directory.FullName;
        File.WriteAllText(Path.Combine(here, "here.gguf"), "");
        ServeOptions o = ServeFile.Read(Write(
            """
            {"model": {"a": "./a.gguf", "b": "here.gguf", "c": "a-rom", "d": {"file": "/abs/d.gguf"}}, "modelsDir": "models", "socket": "run/s",
             "apiKeyFile": "keys", "romDir": "../roms"}
            """));
        Assert.Equal(
            [Path.Combine(here, "a.gguf"), Path.Combine(here, "here.gguf"), "a-rom", "/abs/d.gguf"], o.Models.Select(m => m.File));
        Assert.Equal(
            (Path.Combine(here, "models"), Path.Combine(here, "run/s"), Path.Combine(here, "keys"), Path.Combine(Path.GetDirectoryName(here)!, "roms")),
            (o.ModelsDirectory, o.Socket, o.ApiKeyFile, o.RomDirectory));
    }

    [Fact]
    public void A_chat_template_is_a_file_beside_the_configuration_or_a_name_and_a_models_own_wins()
    {
        File.WriteAllText(Path.Combine(_directory.FullName, "mine.jinja"), "{{ messages }}");
        string file = Write("""{"chatTemplate": "mine.jinja", "model": {"a": {"file": "/a", "chatTemplate": "tool_use"}, "b": "/b"}}""");
        Assert.Equal(["tool_use", "{{ messages }}"], ServeFile.Read(file).Configured().Known.Select(m => m.ChatTemplate));
        Assert.Equal(["tool_use", "rag"], (new ServeOptions { ChatTemplate = "rag" }).Over(ServeFile.Read(file)).Configured().Known.Select(m => m.ChatTemplate));
        string path = Write("""{"model": {"a": {"file": "/a", "chatTemplate": "no.jinja"}}}""");
        VaiUsageException e = Assert.Throws<VaiUsageException>(() => ServeFile.Read(path));
        Assert.Equal(VaiError.FileNotFound, e.Code);
        Assert.Contains(Path.Combine(_directory.FullName, "no.jinja"), e.Message);
    }

    [Fact]
    public void Sampling_of_a_model_wins_over_that_of_all()
    {
        ServeOptions o = ServeFile.Read(Write(
            """{"sampling": {"temperature": 0.5, "topK": 3}, "model": {"a": {"file": "x", "sampling": {"topK": 5, "minP": 0.1}}, "b": "y"}, "strict": true}"""));
        Assert.True(o.Strict);
        Assert.Equal(new SamplingDefaults { Temperature = 0.5f, TopK = 5, MinP = 0.1f }, o.SamplingOf("a"));
        Assert.Equal(new SamplingDefaults { Temperature = 0.5f, TopK = 3 }, o.SamplingOf("b"));
        Assert.Equal(o.Sampling, o.SamplingOf("nobody"));
    }

    [Fact]
    public void What_can_change_is_read_again_and_the_rest_is_said_to_wait()
    {
        string file = Write("""{"model": {"a": "/a"}, "threads": 1}""");
        ServeOptions options = ServeFile.Read(file) with { Reread = () => ServeFile.Read(file) };
        var log = new Lines();
        var live = new LiveOptions(options, log);
        var reloads = new Reloads(log);
        int keys = 0;
        reloads.Add("the configuration", live.Read);
        reloads.Add("the keys", () => keys++);
        ConfiguredModels? models = null;
        live.OnModels(m => models = m);
        Assert.Null(models);
        Write("""{"model": {"a": {"file": "/a", "sampling": {"topK": 1}}, "b": "/b"}, "threads": 2, "strict": true, "drain": 7, "ctx": 9, "chatTemplate": "rag", "maxActive": 5, "patience": 2}""");
        reloads.Run();
        Assert.Equal([("a", 9, "rag"), ("b", 9, "rag")], models!.Known.Select(m => (m.Name, m.ContextLength, m.ChatTemplate)));
        Assert.Equal(["a", "b"], models.Named);
        Assert.Equal((true, TimeSpan.FromSeconds(7), 1, 1), (live.Now.Strict, live.Now.DrainTime, live.Now.SamplingOf("a")?.TopK, live.Now.Threads));
        Assert.Contains("next start takes it up: threads, patience, maxActive", Assert.Single(log.Said, l => l.Contains("next start")));

        // What is wrong changes nothing, and keeps nothing else from being read.
        Write("""{"strict": 5}""");
        reloads.Run();
        Assert.True(live.Now.Strict);
        Assert.Contains(log.Said, l => l.StartsWith("Not read again, and unchanged: the configuration.", StringComparison.Ordinal));
        Assert.Equal(2, keys);
        Assert.Equal(["a", "b"], models.Named);

        // Whoever comes later to take up models gets those that were read before.
        models = null;
        live.OnModels(m => models = m);
        Assert.Equal([("a", 9, "rag"), ("b", 9, "rag")], models!.Known.Select(m => (m.Name, m.ContextLength, m.ChatTemplate)));
        Assert.Equal(["a", "b"], models.Named);
    }

    private sealed class Lines : ILogger
    {
        public List<string> Said { get; } = [];

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Said.Add(formatter(state, exception));

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;
    }

    private string Write(string json)
    {
        string file = Path.Combine(_directory.FullName, "vai.json");
        File.WriteAllText(file, json);
        return file;
    }
}
