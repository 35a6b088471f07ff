namespace VAI.Gpu.Tests;

/// <summary>Tests that compute: one at a time, since they would only take each other's cores.</summary>
[CollectionDefinition(Name)]
public sealed class GpuCollection : ICollectionFixture<ForgedModels>
{
    public const string Name = "gpu";
}
