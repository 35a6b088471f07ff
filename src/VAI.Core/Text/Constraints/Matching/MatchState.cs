namespace VAI.Text.Constraints.Matching;

/// <summary>
/// All ways in which a text can be going on: what may follow is a function of it. Equal ones are the same object within a <see cref="Matcher"/>.
/// </summary>
internal sealed class MatchState
{
    public const int Unknown = 0, Dead = -1;

    public MatchState(int id, Config[] configs, uint partial, bool accepts)
    {
        (Id, Configs, Partial, Accepts) = (id, configs, partial, accepts);
        foreach (Config config in configs)
            HasUnrecorded |= config.Stack is { HasUnrecorded: true };
    }

    public int Id { get; }

    /// <summary>In ascending order.</summary>
    public Config[] Configs { get; }

    /// <summary>Bytes of a character that is not whole, the first in the lowest bits; 0 for none.</summary>
    public uint Partial { get; }

    /// <summary>Whether the text may end here.</summary>
    public bool Accepts { get; }

    /// <summary>Whether a key was closed that is no known name of its object, and is to be recorded.</summary>
    public bool HasUnrecorded { get; }

    /// <summary>The state behind each byte: <see cref="Unknown"/>, <see cref="Dead"/>, or its id.</summary>
    public int[] Row { get; } = new int[256];

    /// <summary>The token that has to come, -1 for none; null while nobody asked.</summary>
    public int? Forced { get; set; }

    /// <summary>What tokens may come where what has to come is written (<see cref="ForcedTokens"/>); null while nobody asked.</summary>
    public ulong[]? Narrowed { get; set; }

    /// <summary>What tokens may come; null while nobody asked.</summary>
    public ulong[]? Mask { get; set; }
}
