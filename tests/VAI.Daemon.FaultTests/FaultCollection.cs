namespace VAI.Daemon.FaultTests;

/// <summary>Engines that end.</summary>
[CollectionDefinition(Name)]
public sealed class FaultCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "faults";
}

/// <summary>
/// Engines and daemons that are waited for: most of it is time that passes, for which the others have the cores. More than these two at once
/// would only take each other's.
/// </summary>
[CollectionDefinition(Name)]
public sealed class WaitCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "waits";
}
