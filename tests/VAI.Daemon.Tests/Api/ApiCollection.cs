namespace VAI.Daemon.Tests.Api;

/// <summary>Tests that compute: one at a time, since they would only take each other's cores.</summary>
[CollectionDefinition(Name)]
public sealed class ApiCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "vai api";
}
