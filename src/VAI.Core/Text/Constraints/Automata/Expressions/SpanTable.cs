using System.Runtime.InteropServices;

namespace VAI.Text.Constraints.Automata.Expressions;

/// <summary>Numbers lists of numbers, the same ones once.</summary>
internal sealed class SpanTable
{
    private int[] _pool = new int[64];
    private int[] _slots = new int[64];
    private readonly List<int> _starts = [0];
    private readonly List<int> _hashes = [];

    public int Count => _hashes.Count;

    /// <summary>Good until another one is added.</summary>
    public ReadOnlySpan<int> this[int number] => _pool.AsSpan(_starts[number].._starts[number + 1]);

    /// <summary>The number of a list; a new one where it is new.</summary>
    public int Number(ReadOnlySpan<int> list)
    {
        HashCode code = default;
        code.AddBytes(MemoryMarshal.AsBytes(list));
        int hash = code.ToHashCode();
        int slot = hash & (_slots.Length - 1);
        for (; _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
        {
            int number = _slots[slot] - 1;
            if (_hashes[number] == hash && this[number].SequenceEqual(list))
                return number;
        }

        Append(list, hash);
        _slots[slot] = Count;
        if (Count * 2 > _slots.Length)
            Grow();
        return Count - 1;
    }

    /// <summary>A new number for a list, which no other list gets.</summary>
    public int Alone(ReadOnlySpan<int> list)
    {
        Append(list, 0);
        return Count - 1;
    }

    private void Append(ReadOnlySpan<int> list, int hash)
    {
        int start = _starts[^1];
        if (start + list.Length > _pool.Length)
            Array.Resize(ref _pool, Math.Max(start + list.Length, 2 * _pool.Length));
        list.CopyTo(_pool.AsSpan(start));
        _starts.Add(start + list.Length);
        _hashes.Add(hash);
    }

    // One that stands alone is in no slot.
    private void Grow()
    {
        var used = new List<int>();
        foreach (int entry in _slots)
        {
            if (entry != 0)
                used.Add(entry);
        }

        _slots = new int[2 * _slots.Length];
        foreach (int entry in used)
        {
            int slot = _hashes[entry - 1] & (_slots.Length - 1);
            while (_slots[slot] != 0)
                slot = (slot + 1) & (_slots.Length - 1);
            _slots[slot] = entry;
        }
    }
}
