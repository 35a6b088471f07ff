namespace VAI.Sessions.Sampling;

/// <summary>
/// Room to sample one row, as large as the largest that was needed. One for each thread that samples, which is the pipeline's as a
/// rule: nothing of it is kept from one row to the next.
/// </summary>
internal sealed class Scratch
{
    [ThreadStatic]
    private static Scratch? _here;

    private float[] _logits = [];
    private float[] _values = [];
    private double[] _weights = [];
    private ulong[] _candidates = [];
    private ulong[] _order = [];

    public static Scratch Here => _here ??= new Scratch();

    /// <summary>For a row that is changed.</summary>
    public Span<float> Logits(int count) => Room(ref _logits, count);

    /// <summary>For the logits of candidates.</summary>
    public Span<float> Values(int count) => Room(ref _values, count);

    public Span<double> Weights(int count) => Room(ref _weights, count);

    public Span<ulong> Candidates(int count) => Room(ref _candidates, count);

    public Span<ulong> Order(int count) => Room(ref _order, count);

    private static Span<T> Room<T>(ref T[] array, int count)
    {
        if (array.Length < count)
            array = new T[Math.Max(count, 256)];
        return array.AsSpan(0, count);
    }
}
