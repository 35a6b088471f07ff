namespace VAI.Daemon.Supervision;

/// <summary>What a configuration says of models.</summary>
/// <param name="Known">Those that can be loaded by name.</param>
/// <param name="Named">The names of those among them that are loaded without being asked for.</param>
internal sealed record ConfiguredModels(IReadOnlyList<ModelOptions> Known, IReadOnlyList<string> Named);
