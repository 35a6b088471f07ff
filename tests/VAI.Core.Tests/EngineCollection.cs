namespace VAI.Core.Tests;

/// <summary>Tests that compute: one at a time, since they would only take each other's cores.</summary>
[CollectionDefinition(Name)]
public sealed class EngineCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "engine";
}
