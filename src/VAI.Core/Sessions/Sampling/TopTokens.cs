using System.Numerics;

namespace VAI.Sessions.Sampling;

/// <summary>The most likely tokens of a row, without looking at the others twice.</summary>
internal static class TopTokens
{
    // A heap that is larger is slower than sorting what lies in the highest bins.
    private const int LargestHeap = 2048;

    // Sign, exponent and four bits of a logit.
    private const int BinBits = 13;

    /// <summary>Collects the highest logits, in order; what is impossible is none of them.</summary>
    /// <param name="logits">The row.</param>
    /// <param name="count">How many at most, 1 or more.</param>
    /// <param name="room">For as many candidates as are wanted; where that is more than a heap holds, as many as there are logits.</param>
    /// <returns>How many there are, at the beginning of <paramref name="room"/>.</returns>
    public static int Select(ReadOnlySpan<float> logits, int count, Span<ulong> room)
    {
        count = Math.Min(count, logits.Length);
        int found = count <= LargestHeap ? Heap(logits, room[..count]) : Bins(logits, count, room);
        Descend(room[..found]);
        return Math.Min(found, count);
    }

    /// <summary>Room that <see cref="Select"/> needs.</summary>
    public static int Room(int vocabulary, int count) => count <= LargestHeap ? Math.Min(count, vocabulary) : vocabulary;

    /// <summary>Collects all that is possible and at least so high, in the order of the ids.</summary>
    public static int AtLeast(ReadOnlySpan<float> logits, float least, Span<ulong> room)
    {
        int found = 0, i = 0;
        Vector<float> wanted = new(least);
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            if (Vector.GreaterThanOrEqualAny(new Vector<float>(logits[i..]), wanted))
                found = Some(logits, i, i + Vector<float>.Count, room, found);
        }

        return Some(logits, i, logits.Length, room, found);

        int Some(ReadOnlySpan<float> logits, int from, int to, Span<ulong> room, int found)
        {
            for (int token = from; token < to; token++)
            {
                if (logits[token] >= least && logits[token] > float.NegativeInfinity)
                    room[found++] = Candidate.Of(logits[token], token);
            }

            return found;
        }
    }

    /// <summary>Sorts, the most likely first.</summary>
    public static void Descend(Span<ulong> candidates)
    {
        candidates.Sort();
        candidates.Reverse();
    }

    // The lowest of those kept is at the top: what is not higher, which is nearly everything, costs a comparison in a vector.
    private static int Heap(ReadOnlySpan<float> logits, Span<ulong> heap)
    {
        int found = 0, i = 0;
        float lowest = float.NegativeInfinity;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            if (Vector.GreaterThanAny(new Vector<float>(logits[i..]), new Vector<float>(lowest)))
                Take(logits, i, i + Vector<float>.Count, heap, ref found, ref lowest);
        }

        Take(logits, i, logits.Length, heap, ref found, ref lowest);
        return found;

        static void Take(ReadOnlySpan<float> logits, int from, int to, Span<ulong> heap, ref int found, ref float lowest)
        {
            for (int token = from; token < to; token++)
            {
                if (!(logits[token] > lowest))
                    continue;
                ulong candidate = Candidate.Of(logits[token], token);
                if (found < heap.Length)
                    Rise(heap, found++, candidate);
                else
                    Sink(heap, candidate);
                if (found == heap.Length)
                    lowest = Candidate.Logit(heap[0]);
            }
        }
    }

    private static void Rise(Span<ulong> heap, int at, ulong candidate)
    {
        while (at > 0 && heap[(at - 1) / 2] > candidate)
        {
            heap[at] = heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }

        heap[at] = candidate;
    }

    private static void Sink(Span<ulong> heap, ulong candidate)
    {
        int at = 0;
        while (true)
        {
            int child = (2 * at) + 1;
            if (child + 1 < heap.Length && heap[child + 1] < heap[child])
                child++;
            if (child >= heap.Length || heap[child] >= candidate)
                break;
            heap[at] = heap[child];
            at = child;
        }

        heap[at] = candidate;
    }

    private static int Bins(ReadOnlySpan<float> logits, int count, Span<ulong> room)
    {
        Span<int> bins = stackalloc int[1 << BinBits];
        bins.Clear();
        foreach (float logit in logits)
        {
            if (logit > float.NegativeInfinity)
                bins[Bin(Candidate.Of(logit, 0))]++;
        }

        int bin = bins.Length, above = 0;
        while (bin > 0 && above < count)
            above += bins[--bin];
        int found = 0;
        for (int token = 0; token < logits.Length; token++)
        {
            if (logits[token] > float.NegativeInfinity && Candidate.Of(logits[token], token) is var candidate && Bin(candidate) >= bin)
                room[found++] = candidate;
        }

        return found;

        static int Bin(ulong candidate) => (int)(candidate >> (64 - BinBits));
    }
}
