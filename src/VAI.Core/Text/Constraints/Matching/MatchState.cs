using System.Runtime.CompilerServices;

namespace VAI.Text.Constraints.Matching;

/// <summary>
/// All ways in which a text can be going on: what may follow is a function of it. Equal ones are the same object within a <see cref="Matcher"/>.
/// </summary>
internal sealed class MatchState
{
    public const int Unknown = 0, Dead = -1;

    // From most states a walk goes on by few bytes: only the others get a row of all.
    private const int Few = 8, All = 256;

    private int[]? _row;
    private ulong _bytes;
    private int _count;

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

    /// <summary>The text that has to come, and whether nothing comes behind it (<see cref="ForcedTokens"/>); null while nobody asked.</summary>
    public (byte[] Text, bool IsLast)? Ahead { get; set; }

    /// <summary>The token that has to come, -1 for none; null while nobody asked.</summary>
    public int? Forced { get; set; }

    /// <summary>What tokens may come where what has to come is written (<see cref="ForcedTokens"/>); null while nobody asked.</summary>
    public ulong[]? Narrowed { get; set; }

    /// <summary>What tokens may come; null while nobody asked.</summary>
    public ulong[]? Mask { get; set; }

    /// <summary>The state behind a byte: <see cref="Unknown"/>, <see cref="Dead"/>, or its id.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Behind(byte next) => _row is not { } row ? Unknown : row.Length == All ? row[next] : BehindFew(row, next);

    /// <summary>Notes the state behind a byte.</summary>
    /// <returns>The memory that is taken for it.</returns>
    public int Note(byte next, int id)
    {
        int bytes = 0;
        if (_row is null)
        {
            _row = new int[Few];
        }
        else if (_row.Length == Few && _count == Few)
        {
            int[] all = new int[All];
            for (int i = 0; i < Few; i++)
                all[(byte)(_bytes >> (8 * i))] = _row[i];
            _row = all;
            bytes = All * sizeof(int);
        }

        if (_row.Length == All)
        {
            _row[next] = id;
            return bytes;
        }

        _bytes |= (ulong)next << (8 * _count);
        _row[_count++] = id;
        return bytes;
    }

    private int BehindFew(int[] row, byte next)
    {
        for (int i = 0; i < _count; i++)
        {
            if ((byte)(_bytes >> (8 * i)) == next)
                return row[i];
        }

        return Unknown;
    }
}
