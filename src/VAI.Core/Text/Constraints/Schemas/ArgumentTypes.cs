namespace VAI.Text.Constraints.Schemas;

/// <summary>What types the arguments of a tool may have: where strings are written as they stand, it says which text is one.</summary>
/// <param name="Names">Of those that have names.</param>
/// <param name="Others">Of all others.</param>
internal sealed record ArgumentTypes(IReadOnlyDictionary<string, JsonTypes> Names, JsonTypes Others)
{
    /// <summary>Where nothing is known.</summary>
    public static ArgumentTypes Any { get; } = new(new Dictionary<string, JsonTypes>(), JsonTypes.All);

    public JsonTypes Of(string name) => Names.GetValueOrDefault(name, Others);
}
