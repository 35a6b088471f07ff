using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace VAI.Core.Tests.Diagnostics;

public sealed class LogTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public async Task A_load_and_an_unload_are_logged_under_their_ids()
    {
        using var provider = new FakeLoggerProvider();
        using ILoggerFactory factory = LoggerFactory.Create(b => b.AddProvider(provider));
        await using (IVai vai = Vai.Create(o => o.AddModel("logged", Models["tiny"], m => m.Profile = RomProfile.None), factory))
            await vai.UnloadAsync(await vai.LoadAsync("logged"));

        FakeLogRecord[] records = [.. provider.Collector.GetSnapshot().Where(r => r.Category == "VAI.Engine")];
        Assert.Equal([100, 200, 201], records.Select(r => r.Id.Id));
        Assert.Equal("logged", records[1].GetStructuredStateValue("Name"));
    }
}
