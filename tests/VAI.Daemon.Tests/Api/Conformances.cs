namespace VAI.Daemon.Tests.Api;

/// <summary>The engine in this process.</summary>
public sealed class EngineConformance(ForgedModels models) : VaiConformance(models)
{
    protected override Task<Rig> StartAsync(Action<VaiOptions> configure) =>
        Task.FromResult(new Rig(ApiHost.Engine(Models, configure)));
}

/// <summary>An engine behind a socket.</summary>
public sealed class RemoteConformance(ForgedModels models) : VaiConformance(models)
{
    protected override async Task<Rig> StartAsync(Action<VaiOptions> configure)
    {
        string socket = Models.NewFile("sock");
        ApiHost host = await ApiHost.StartAsync(socket, Models);
        return new Rig(
            Vai.Create(o =>
            {
                configure(o);
                o.UseDaemon(socket);
            }),
            host);
    }
}
