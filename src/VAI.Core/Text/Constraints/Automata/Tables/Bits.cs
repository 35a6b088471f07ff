namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>A set of numbers from 0.</summary>
internal sealed class Bits(int count)
{
    private readonly ulong[] _words = new ulong[(count + 63) / 64];

    /// <summary>All of so many.</summary>
    public static Bits All(int count)
    {
        var all = new Bits(count);
        for (int i = 0; i < count; i++)
            all[i] = true;
        return all;
    }

    public bool this[int index]
    {
        get => (_words[index >> 6] >> (index & 63) & 1) != 0;
        set
        {
            if (value)
                _words[index >> 6] |= 1ul << (index & 63);
            else
                _words[index >> 6] &= ~(1ul << (index & 63));
        }
    }
}
