namespace VAI.Daemon.FaultTests;

/// <summary>Engines that end.</summary>
[CollectionDefinition(Name)]
public sealed class FaultCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "faults";
}

/// <summary>
/// Engines and daemons that are waited for: most of it is time that passes, for which the others have the cores. All three collections together keep
/// two cores half busy.
/// </summary>
[CollectionDefinition(Name)]
public sealed class WaitCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "waits";
}

/// <summary>Processes that are stopped, and waited for even longer.</summary>
[CollectionDefinition(Name)]
public sealed class StopCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "stops";
}
