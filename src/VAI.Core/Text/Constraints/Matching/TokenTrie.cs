namespace VAI.Text.Constraints.Matching;

/// <summary>
/// The bytes of a vocabulary's tokens as one flat tree, each node before those below it: a walk leaves out what is below a byte that may not come.
/// Immutable, thread-safe.
/// </summary>
internal sealed class TokenTrie
{
    private readonly byte[] _bytes;
    private readonly ushort[] _depths;
    private readonly int[] _behind;
    private readonly int[] _tokens;
    private readonly int[] _same;

    private TokenTrie(byte[] bytes, ushort[] depths, int[] behind, int[] tokens, int[] same, int depth) =>
        (_bytes, _depths, _behind, _tokens, _same, Depth) = (bytes, depths, behind, tokens, same, depth);

    /// <param name="tokens">Tokens and their bytes, which are not empty.</param>
    /// <param name="vocabulary">Tokens of the vocabulary.</param>
    public static TokenTrie Build(IReadOnlyList<(int Token, byte[] Bytes)> tokens, int vocabulary)
    {
        (int Token, byte[] Bytes)[] sorted = [.. tokens];
        Array.Sort(sorted, static (x, y) => x.Bytes.AsSpan().SequenceCompareTo(y.Bytes));
        var bytes = new List<byte>();
        var depths = new List<ushort>();
        var ids = new List<int>();
        int[] same = new int[vocabulary];
        Array.Fill(same, -1);
        int depth = 0;
        byte[] last = [];
        foreach ((int token, byte[] text) in sorted)
        {
            int common = text.AsSpan().CommonPrefixLength(last);
            if (common == text.Length && common == last.Length && ids.Count > 0)
            {
                // Another token of the same bytes.
                same[token] = ids[^1];
                ids[^1] = token;
                continue;
            }

            for (int i = common; i < text.Length; i++)
            {
                bytes.Add(text[i]);
                depths.Add((ushort)i);
                ids.Add(-1);
            }

            ids[^1] = token;
            last = text;
            depth = Math.Max(depth, text.Length);
        }

        return new TokenTrie([.. bytes], [.. depths], Behind([.. depths]), [.. ids], same, depth);
    }

    /// <summary>One that was written.</summary>
    public static TokenTrie Read(ref BlockReader block)
    {
        int depth = block.Read<int>()[0];
        return new TokenTrie(block.Read<byte>(), block.Read<ushort>(), block.Read<int>(), block.Read<int>(), block.Read<int>(), depth);
    }

    public void Write(BlockWriter block)
    {
        block.Write<int>([Depth]);
        block.Write<byte>(_bytes);
        block.Write<ushort>(_depths);
        block.Write<int>(_behind);
        block.Write<int>(_tokens);
        block.Write<int>(_same);
    }

    /// <summary>Bytes of the longest token.</summary>
    public int Depth { get; }

    /// <summary>Sets the bits of the tokens whose bytes may follow a state.</summary>
    public void Allow(Matcher matcher, MatchState state, Span<ulong> mask)
    {
        MatchState[] path = new MatchState[Depth + 1];
        path[0] = state;
        for (int at = 0; at < _bytes.Length;)
        {
            int depth = _depths[at];
            MatchState before = path[depth];
            byte next = _bytes[at];
            int id = before.Behind(next);
            if (id == MatchState.Unknown)
                id = matcher.StepId(before, next);
            if (id == MatchState.Dead)
            {
                at = _behind[at];
                continue;
            }

            path[depth + 1] = matcher[id];
            Set(at, mask);
            at++;
        }
    }

    /// <summary>Sets the bits of the tokens whose bytes begin a text, or begin with it.</summary>
    public void Along(ReadOnlySpan<byte> text, Span<ulong> mask)
    {
        for (int at = 0; at < _bytes.Length;)
        {
            if (_depths[at] < text.Length && _bytes[at] != text[_depths[at]])
            {
                at = _behind[at];
                continue;
            }

            Set(at, mask);
            at++;
        }
    }

    private void Set(int node, Span<ulong> mask)
    {
        for (int token = _tokens[node]; token >= 0; token = _same[token])
            mask[token >> 6] |= 1UL << token;
    }

    // The first node that is not below.
    private static int[] Behind(ushort[] depths)
    {
        int[] behind = new int[depths.Length];
        var open = new Stack<int>();
        for (int at = 0; at < depths.Length; at++)
        {
            while (open.TryPeek(out int top) && depths[top] >= depths[at])
                behind[open.Pop()] = at;
            open.Push(at);
        }

        while (open.TryPop(out int top))
            behind[top] = depths.Length;
        return behind;
    }
}
