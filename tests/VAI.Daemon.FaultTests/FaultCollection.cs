namespace VAI.Daemon.FaultTests;

/// <summary>One daemon at a time: they would only take each other's cores.</summary>
[CollectionDefinition(Name)]
public sealed class FaultCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "faults";
}
