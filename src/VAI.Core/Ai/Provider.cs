namespace VAI.Ai;

/// <summary>What clients and generators have in common.</summary>
internal static class Provider
{
    /// <summary>As in the telemetry's <c>gen_ai.provider.name</c>.</summary>
    public const string Name = "vai";

    /// <summary>
    /// Telemetry wants a host and a port. An engine in the process has neither and a Unix socket no port: it is this host, and the port that a
    /// daemon's HTTP has by convention.
    /// </summary>
    public static Uri Address { get; } = new("vai://localhost:8080");

    /// <summary>The model that is asked, or the default one, or else the only one.</summary>
    /// <exception cref="VaiUsageException">It is not loaded, or none is named and there is not exactly one.</exception>
    public static IModelContext Select(IVai vai, string? asked, string? byDefault)
    {
        if ((asked ?? byDefault) is { } name)
            return vai.Select(name);
        IReadOnlyList<IModelContext> models = vai.Models;
        return models.Count == 1 ? models[0] : throw new VaiUsageException(
            VaiError.InvalidOption,
            models.Count == 0
                ? "No model is named, and none is loaded. Load one, and name it in ModelId."
                : $"No model is named, and {models.Count} are loaded: {string.Join(", ", models.Select(m => m.Name))}. Name one in ModelId.");
    }

    public static VaiUsageException Refused(string what, string instead) =>
        new(VaiError.NotSupported, $"{what} is not supported. {instead}");
}
