namespace VAI.Text.Constraints.Automata.Tables;

/// <summary>How many of each block are marked, and which blocks have any: none between two splits, so that two partitions share them.</summary>
internal sealed class Marks(int most)
{
    public readonly int[] Counts = new int[most];
    public readonly Stack<int> Touched = new();
}

/// <summary>Numbers from 0 in blocks, which are split into those that are marked and those that are not.</summary>
internal sealed class Partition
{
    private readonly Marks _marks;

    // The numbers, block by block; where each is among them; the block of each; where each block is.
    private readonly int[] _all;
    private readonly int[] _places;
    private readonly int[] _blocks;
    private readonly int[] _firsts;
    private readonly int[] _ends;

    public Partition(int count, Marks marks)
    {
        _marks = marks;
        _all = [.. Enumerable.Range(0, count)];
        _places = [.. _all];
        _blocks = new int[count];
        _firsts = new int[count];
        _ends = new int[count];
        if (count == 0)
            return;
        Count = 1;
        _ends[0] = count;
    }

    public int Count { get; private set; }

    public ReadOnlySpan<int> Of(int block) => _all.AsSpan(_firsts[block].._ends[block]);

    public int BlockOf(int number) => _blocks[number];

    /// <summary>Before anything was split: a block for each key.</summary>
    public void GroupBy(int[] keys)
    {
        if (Count == 0)
            return;
        Array.Sort((int[])keys.Clone(), _all);
        Count = 0;
        for (int i = 0; i < _all.Length; i++)
        {
            if (i > 0 && keys[_all[i]] != keys[_all[i - 1]])
            {
                _ends[Count++] = i;
                _firsts[Count] = i;
            }

            _blocks[_all[i]] = Count;
            _places[_all[i]] = i;
        }

        _ends[Count++] = _all.Length;
    }

    public void Mark(int number)
    {
        int block = _blocks[number];
        int place = _places[number];
        int to = _firsts[block] + _marks.Counts[block];
        if (place < to)
            return;
        (_all[place], _all[to]) = (_all[to], number);
        (_places[_all[place]], _places[number]) = (place, to);
        if (_marks.Counts[block]++ == 0)
            _marks.Touched.Push(block);
    }

    /// <summary>The smaller part of each block becomes a new one.</summary>
    public void Split()
    {
        while (_marks.Touched.TryPop(out int block))
        {
            int marked = _marks.Counts[block];
            _marks.Counts[block] = 0;
            int middle = _firsts[block] + marked;
            if (middle == _ends[block])
                continue;
            if (marked <= _ends[block] - middle)
            {
                (_firsts[Count], _ends[Count]) = (_firsts[block], middle);
                _firsts[block] = middle;
            }
            else
            {
                (_firsts[Count], _ends[Count]) = (middle, _ends[block]);
                _ends[block] = middle;
            }

            foreach (int number in Of(Count))
                _blocks[number] = Count;
            Count++;
        }
    }
}
