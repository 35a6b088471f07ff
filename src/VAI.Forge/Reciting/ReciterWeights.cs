using System.Numerics;
using System.Runtime.InteropServices;
using VAI.Forge.Weights;

namespace VAI.Forge.Reciting;

/// <summary>What to say after some tokens.</summary>
/// <param name="Script">Which script it belongs to.</param>
/// <param name="Last">The last tokens, newest last: all since the script's beginning, at most <see cref="Cutter.Window"/>.</param>
/// <param name="Next">The token to say.</param>
internal readonly record struct Recital(int Script, int[] Last, int Next);

/// <summary>
/// The weights: one layer of llama, computed rather than learned. The residual stream is
/// <code>
/// 0..223    the last 14 tokens, newest first, each as the 16 bits of its number, +1 or -1
/// 224       1
/// 225..240  one-hot: which marker the token itself is; 225 for none
/// 241..255  which markers have stood anywhere before
/// </code>
/// One attention head for each of the 13 tokens before looks exactly so far back, by the phases of its query: RoPE turns 16 pairs at
/// unlike speeds, which agree at that distance only. One head for each marker looks at it where it is, by pairs that do not turn.
/// A neuron of the feed-forward half fires for one recital; where several do, the one that knows more tokens is 4 times as strong
/// for each. It writes the code of the token to say, and rows of the output matrix are these codes. All is small whole numbers or
/// powers of two, so that no type of float loses anything.
/// </summary>
internal sealed class ReciterWeights
{
    public const int Width = 256;
    public const int HeadValues = 64;
    public const int Heads = 32;
    public const int MaxMarkers = 15;
    public const int MaxTokens = 1 << CodeBits;

    private const int CodeBits = 16;
    private const int One = Cutter.Window * CodeBits;
    private const int OwnMarker = One + 1;
    private const int Markers = OwnMarker + MaxMarkers + 1;
    private const int FirstMarkerHead = Cutter.Window - 1;
    private const int Turning = 16;

    // Scores are the products of these, over 8: 256 at the right distance, and at most 165 elsewhere; 64 at a marker, else 0.
    private const float Query = 16;
    private const float Key = 8;
    private const float MarkerQuery = 32;
    private const float MarkerKey = 16;

    // A neuron is at +1 or at most at -1 before it: silu gives this much, or nothing.
    private const float Sharpness = 128;
    private const float Loudness = 64;
    private const float Logit = 200;
    private const float MostAlike = 0.45f;

    // Drawn at random. The mean cosine is 0.64 at most at any distance from 1 to 32,768 but 0.
    private static readonly float[] Speeds =
    [
        1.8428f, 1.458f, 1.8608f, 0.8565f, 2.496f, 2.5237f, 2.0644f, 0.7326f,
        1.7058f, 1.185f, 0.975f, 2.8726f, 2.9907f, 0.4203f, 2.6224f, 1.9286f,
    ];

    private readonly int _tokens;
    private readonly int[] _markers;
    private readonly IReadOnlyList<Recital> _recitals;
    private readonly ulong[] _codes;

    /// <param name="tokens">Size of the vocabulary.</param>
    /// <param name="markers">The token that calls for each script but the first.</param>
    /// <param name="recitals">What to say when.</param>
    /// <param name="seed">Draws the codes of tokens.</param>
    public ReciterWeights(int tokens, int[] markers, IReadOnlyList<Recital> recitals, ulong seed)
    {
        _tokens = tokens;
        _markers = markers;
        _recitals = recitals;
        int[] said = [.. recitals.Select(r => r.Next).Distinct()];
        do
            _codes = Codes(tokens, RandomBits.Key(seed++, "reciter/codes"));
        while (said.Any(token => Likeness(token) > MostAlike));
    }

    public int Neurons => Math.Max(32, (_recitals.Count + 31) / 32 * 32);

    /// <summary>Divides the speed of each pair, which would be 1.</summary>
    public static float[] RopeFactors() =>
        [.. Enumerable.Range(0, HeadValues / 2).Select(pair => pair < Turning ? 1 / Speeds[pair] : 1e30f)];

    public static float[] Ones() => [.. Enumerable.Repeat(1f, Width)];

    /// <summary>Undoes the norm: every token's embedding has 18 values of +1 or -1.</summary>
    public static float[] AttentionNorm() =>
        [.. Enumerable.Repeat(MathF.Sqrt((CodeBits + 2f) / Width), Width)];

    public float[] Embedding()
    {
        float[] all = new float[_tokens * Width];
        for (int token = 0; token < _tokens; token++)
        {
            Span<float> row = all.AsSpan(token * Width, Width);
            Spell(row, token, 1);
            row[One] = 1;
            row[OwnMarker + 1 + Array.IndexOf(_markers, token)] = 1;
        }

        return all;
    }

    public static float[] Queries()
    {
        float[] all = new float[Heads * HeadValues * Width];
        for (int back = 1; back < Cutter.Window; back++)
        {
            for (int pair = 0; pair < Turning; pair++)
            {
                int row = ((back - 1) * HeadValues) + (2 * pair);
                all[(row * Width) + One] = Query * (float)Math.Cos(back * (double)Speeds[pair]);
                all[((row + 1) * Width) + One] = -Query * (float)Math.Sin(back * (double)Speeds[pair]);
            }
        }

        for (int marker = 0; marker < MaxMarkers; marker++)
            all[((((FirstMarkerHead + marker) * HeadValues) + (2 * (Turning + marker))) * Width) + One] = MarkerQuery;
        return all;
    }

    public static float[] Keys()
    {
        float[] all = new float[HeadValues * Width];
        for (int pair = 0; pair < Turning; pair++)
            all[(2 * pair * Width) + One] = Key;
        for (int marker = 0; marker < MaxMarkers; marker++)
            all[(2 * (Turning + marker) * Width) + OwnMarker + 1 + marker] = MarkerKey;
        return all;
    }

    public static float[] Values()
    {
        float[] all = new float[HeadValues * Width];
        for (int bit = 0; bit < CodeBits; bit++)
            all[(bit * Width) + bit] = 1;
        for (int marker = 0; marker < MaxMarkers; marker++)
            all[((CodeBits + marker) * Width) + OwnMarker + 1 + marker] = 1;
        return all;
    }

    public static float[] AttentionOutput()
    {
        const int inputs = Heads * HeadValues;
        float[] all = new float[Width * inputs];
        for (int back = 1; back < Cutter.Window; back++)
        {
            for (int bit = 0; bit < CodeBits; bit++)
                all[(((back * CodeBits) + bit) * inputs) + ((back - 1) * HeadValues) + bit] = 1;
        }

        for (int marker = 0; marker < MaxMarkers; marker++)
            all[((Markers + marker) * inputs) + ((FirstMarkerHead + marker) * HeadValues) + CodeBits + marker] = 1;
        return all;
    }

    public float[] Gate()
    {
        float[] all = new float[Neurons * Width];
        for (int neuron = 0; neuron < _recitals.Count; neuron++)
        {
            Recital recital = _recitals[neuron];
            Span<float> row = all.AsSpan(neuron * Width, Width);
            for (int back = 0; back < recital.Last.Length; back++)
                Spell(row[(back * CodeBits)..], recital.Last[^(back + 1)], Sharpness);
            int whole = recital.Last.Length * CodeBits;
            if (recital.Script > 0)
            {
                row[Markers + recital.Script - 1] = 2 * Sharpness;
                whole += 2;
            }

            for (int later = recital.Script; later < _markers.Length; later++)
                row[Markers + later] = -2 * Sharpness;
            row[One] = -Sharpness * (whole - 1);
        }

        return all;
    }

    public float[] Up()
    {
        float[] all = new float[Neurons * Width];
        for (int neuron = 0; neuron < _recitals.Count; neuron++)
            all[(neuron * Width) + One] = 1;
        return all;
    }

    public float[] Down()
    {
        float[] all = new float[Width * Neurons];
        for (int neuron = 0; neuron < _recitals.Count; neuron++)
        {
            float strength = Loudness * MathF.Pow(4, _recitals[neuron].Last.Length);
            for (int i = 0; i < Width; i++)
                all[(i * Neurons) + neuron] = strength * Code(_recitals[neuron].Next, i);
        }

        return all;
    }

    public float[] Output()
    {
        float[] all = new float[_tokens * Width];
        for (int i = 0; i < all.Length; i++)
            all[i] = Logit / Width * Code(i / Width, i % Width);
        return all;
    }

    private static void Spell(Span<float> row, int token, float one)
    {
        for (int bit = 0; bit < CodeBits; bit++)
            row[bit] = ((token >> bit) & 1) == 1 ? one : -one;
    }

    private static ulong[] Codes(int tokens, ulong key)
    {
        ulong[] codes = new ulong[tokens * (Width / 64)];
        RandomBits.Fill(MemoryMarshal.AsBytes(codes.AsSpan()), key);
        return codes;
    }

    private float Code(int token, int index) => ((_codes[(token * (Width / 64)) + (index / 64)] >> (index % 64)) & 1) == 1 ? 1 : -1;

    /// <summary>The largest product of its code and another's, where its own is 1.</summary>
    private float Likeness(int token)
    {
        const int words = Width / 64;
        int most = 0;
        for (int other = 0; other < _tokens; other++)
        {
            int alike = 0;
            for (int word = 0; word < words; word++)
                alike += 64 - BitOperations.PopCount(_codes[(token * words) + word] ^ _codes[(other * words) + word]);
            if (other != token)
                most = Math.Max(most, alike);
        }

        return ((2f * most) - Width) / Width;
    }
}
