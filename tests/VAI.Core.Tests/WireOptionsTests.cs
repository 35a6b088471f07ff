using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using VAI.Remote.Wire;

namespace VAI.Core.Tests;

/// <summary>
/// What a transaction and a session are given goes to the daemon and to its engine, by reflection: a member that is added to the options fails until
/// the documents between them have it too.
/// </summary>
public sealed class WireOptionsTests
{
    /// <summary>The options' types and their members.</summary>
    public static TheoryData<string> Members { get; } = [.. Names(typeof(InferenceOptions)).Concat(Names(typeof(SessionOptions)))];

    [Theory]
    [MemberData(nameof(Members))]
    public void A_member_of_the_options_travels(string member)
    {
        if (member.StartsWith(nameof(SessionOptions), StringComparison.Ordinal))
            Travels(member, new SessionOptions(), new SessionOptions(), WireJson.Default.Options.GetTypeInfo(typeof(SessionOptions)));
        else
            Travels(member, new InferenceOptions(), new InferenceOptions(), WireJson.Default.Options.GetTypeInfo(typeof(InferenceOptions)));
    }

    private static void Travels<T>(string member, T plain, T changed, JsonTypeInfo type)
        where T : class
    {
        PropertyInfo property = typeof(T).GetProperty(member.Split('.')[1])!;
        property.SetValue(changed, Other(property));
        string sent = JsonSerializer.Serialize(changed, type);
        Assert.True(
            sent != JsonSerializer.Serialize(plain, type) && JsonSerializer.Serialize(JsonSerializer.Deserialize(sent, type), type) == sent,
            $"{member} is lost on its way to a daemon. Add it to Wire{typeof(T).Name}, and to what writes and what reads it, in src/VAI.Core/Remote/Wire/WireOptions.cs.");
    }

    // A value that is no member's default.
    private static object Other(PropertyInfo property)
    {
        Type type = property.PropertyType;
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type switch
        {
            _ when type == typeof(int) => 7,
            _ when type == typeof(uint) => 7u,
            _ when type == typeof(float) => 0.5f,
            _ when type == typeof(bool) => true,
            _ when type == typeof(TimeSpan) => TimeSpan.FromSeconds(7),
            _ when type == typeof(IReadOnlyList<string>) => (string[])["7"],
            _ when type == typeof(IReadOnlyDictionary<int, float>) => new Dictionary<int, float> { [7] = 0.5f },
            _ when type == typeof(Constraint) => Constraint.Regex("7"),
            _ when type == typeof(ReasoningFormat) => new ReasoningFormat("<7>", "</7>"),
            _ when type == typeof(SessionPriority) => SessionPriority.High,
            _ => throw new NotImplementedException($"{property.Name} is a {type}: say here what one is that is no default."),
        };
    }

    private static IEnumerable<string> Names(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(p => $"{type.Name}.{p.Name}");
}
