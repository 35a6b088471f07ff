namespace VAI.Sram;

/// <summary>
/// Who may share what was computed of a prompt: sessions of one tag do, and no others. It goes with the flow of a request, so that every
/// session that is opened on its behalf has it.
/// </summary>
internal static class PrefixTag
{
    private static readonly AsyncLocal<string?> Flow = new();

    /// <summary>The tag of sessions that are opened from here on; null for that of all who have none.</summary>
    public static string? Current
    {
        get => Flow.Value;
        set => Flow.Value = value;
    }
}
