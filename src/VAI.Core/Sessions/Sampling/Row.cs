using System.Numerics;
using System.Runtime.CompilerServices;

namespace VAI.Sessions.Sampling;

/// <summary>Arithmetic on a row of logits. What is not a number counts as impossible everywhere.</summary>
internal static class Row
{
    // Of doubles that the exponential is taken of, what is below gives no number that counts.
    private const double Least = -700;

    // A block that has the highest is searched while it lies in the first cache.
    private const int Block = 2048;

    private static readonly Vector<int> LaneBits = MakeLaneBits();

    /// <summary>The first of the highest; 0 where nothing is a number.</summary>
    public static int Highest(ReadOnlySpan<float> logits)
    {
        float best = float.NegativeInfinity;
        int at = 0;
        for (int start = 0; start < logits.Length; start += Block)
        {
            ReadOnlySpan<float> block = logits[start..Math.Min(start + Block, logits.Length)];
            if (Max(block) is var highest && highest > best)
                (best, at) = (highest, start + block.IndexOf(highest));
        }

        return at;
    }

    /// <summary>The highest; negative infinity where nothing is a number.</summary>
    public static float Max(ReadOnlySpan<float> logits)
    {
        // Two, so that one comparison need not wait for the other.
        Vector<float> a = new(float.NegativeInfinity), b = a;
        int i = 0;
        for (; i <= logits.Length - (2 * Vector<float>.Count); i += 2 * Vector<float>.Count)
        {
            a = Higher(new Vector<float>(logits[i..]), a);
            b = Higher(new Vector<float>(logits[(i + Vector<float>.Count)..]), b);
        }

        a = Higher(a, b);
        float highest = float.NegativeInfinity;
        for (int lane = 0; lane < Vector<float>.Count; lane++)
            highest = a[lane] > highest ? a[lane] : highest;
        for (; i < logits.Length; i++)
            highest = logits[i] > highest ? logits[i] : highest;
        return highest;

        static Vector<float> Higher(Vector<float> value, Vector<float> than) =>
            Vector.ConditionalSelect(Vector.GreaterThan(value, than), value, than);
    }

    /// <summary>The weights of a softmax, not yet divided by their sum: exp(logit / temperature - highest / temperature).</summary>
    /// <param name="logits">The logits.</param>
    /// <param name="highest">The highest of them, or of those that they are a part of; finite.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="weights">As long as the logits; empty for the sum alone.</param>
    /// <returns>The sum.</returns>
    public static double Weights(ReadOnlySpan<float> logits, float highest, float temperature, Span<double> weights)
    {
        Vector<float> t = new(temperature), top = new(highest / temperature);
        Vector<double> a = default, b = default, lower, upper;
        Span<float> rest = stackalloc float[Vector<float>.Count];
        int i = 0;
        for (; i <= logits.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (lower, upper) = Exp((new Vector<float>(logits[i..]) / t) - top);
            a += lower;
            b += upper;
            if (weights.Length == 0)
                continue;
            lower.CopyTo(weights[i..]);
            upper.CopyTo(weights[(i + Vector<double>.Count)..]);
        }

        // Through the same instructions, so that a logit's weight does not depend on its place.
        if (i < logits.Length)
        {
            rest.Fill(float.NegativeInfinity);
            logits[i..].CopyTo(rest);
            (lower, upper) = Exp((new Vector<float>(rest) / t) - top);
            a += lower;
            b += upper;
            for (int lane = 0; weights.Length > 0 && i < logits.Length; lane++, i++)
                weights[i] = lane < Vector<double>.Count ? lower[lane] : upper[lane - Vector<double>.Count];
        }

        return Vector.Sum(a + b);
    }

    /// <summary>Makes what a mask does not allow impossible.</summary>
    /// <param name="logits">The row.</param>
    /// <param name="allowed">A bit for each token, none missing.</param>
    public static void Mask(Span<float> logits, ReadOnlySpan<ulong> allowed)
    {
        for (int at = 0; at < logits.Length; at += 64)
        {
            ulong bits = allowed[at / 64];
            Span<float> some = logits[at..Math.Min(at + 64, logits.Length)];
            if (bits == ulong.MaxValue)
                continue;
            if (bits == 0)
                some.Fill(float.NegativeInfinity);
            else
                Mask(some, bits);
        }
    }

    private static void Mask(Span<float> some, ulong bits)
    {
        int i = 0;
        for (; i <= some.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<int> may = Vector.Equals(new Vector<int>((int)(bits >> i)) & LaneBits, LaneBits);
            Vector.ConditionalSelect(may.As<int, float>(), new Vector<float>(some[i..]), new Vector<float>(float.NegativeInfinity)).CopyTo(some[i..]);
        }

        for (; i < some.Length; i++)
            some[i] = ((bits >> i) & 1) != 0 ? some[i] : float.NegativeInfinity;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector<double> Lower, Vector<double> Upper) Exp(Vector<float> x)
    {
        Vector.Widen(x, out Vector<double> lower, out Vector<double> upper);
        return (Exp(lower), Exp(upper));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<double> Exp(Vector<double> x)
    {
        Vector<double> least = new(Least);
        return Vector.ConditionalSelect(Vector.GreaterThan(x, least), Vector.Exp(x), Vector<double>.Zero);
    }

    private static Vector<int> MakeLaneBits()
    {
        Span<int> bits = stackalloc int[Vector<int>.Count];
        for (int i = 0; i < bits.Length; i++)
            bits[i] = 1 << i;
        return new Vector<int>(bits);
    }
}
