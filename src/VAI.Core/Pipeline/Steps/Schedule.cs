using VAI.Native.Gguf;

namespace VAI.Pipeline.Steps;

/// <summary>
/// How a token log is cut into steps. Entries of a log are token ids; under <see cref="RomProfile.Exact"/> a generated token's
/// is its complement, because there the steps are a function of the log alone: prompts are cut at multiples of
/// <see cref="Chunk"/>, each chunk its own step, and generated tokens are steps of one. Cut so, the KV of a log has the same
/// bits however often it was interrupted, forked, parked or rebuilt (measured in <c>shared/native/rom.md</c>).
/// </summary>
/// <param name="Exact">Whether bits count. The rest is of use only then.</param>
/// <param name="Window">Tokens that the model's sliding window holds; 0 without one.</param>
/// <param name="MostRows">Generated tokens that a step may have: with more, its rows' bits would depend on how many there are.</param>
internal readonly record struct Schedule(bool Exact, int Window = 0, int MostRows = int.MaxValue)
{
    /// <summary>Prompt tokens of one exact step: what is shared and resumed is a multiple of it.</summary>
    public const int Chunk = 32;

    /// <param name="options">The model's.</param>
    /// <param name="info">The model.</param>
    /// <param name="alike">Rows up to which its ROM's packed weights give a row the bits that it has alone (<c>RomHeader.AlikeRows</c>).</param>
    public static Schedule For(ModelOptions options, ModelInfo info, int alike) => options.Profile == RomProfile.Exact
        ? new(Exact: true, info.SlidingWindow, !options.WantsGpu && info.MatrixTypes.All(RowsAreIndependent) ? alike : 1)
        : new(Exact: false);

    /// <summary>Whether the logits of a prompt's last row are the same where other rows' are wanted too.</summary>
    public bool OutputsAreAlike => !Exact || MostRows == int.MaxValue;

    /// <summary>
    /// Whether llama.cpp's kernel for plain matrices of a type computes a row alike however many there are. Measured (<c>RowTests</c>), and
    /// false where it was not. Floats go through another kernel as soon as there are two rows, and so do the routers of experts.
    /// </summary>
    public static bool RowsAreIndependent(GgmlType type) => type is GgmlType.Q4_0 or GgmlType.Q8_0 or GgmlType.Q4_K or GgmlType.Q6_K;

    public static int Id(int entry) => entry < 0 ? ~entry : entry;

    /// <summary>The log entry of a generated token.</summary>
    public int Generated(int token) => Exact ? ~token : token;

    /// <summary>Whether the step that comes next is a prompt's, rather than one token's.</summary>
    /// <param name="log">What is to be computed.</param>
    /// <param name="computed">Entries of it that are.</param>
    public bool IsPrompt(ReadOnlySpan<int> log, int computed) => Exact ? log[computed] >= 0 : computed < log.Length - 1;

    /// <summary>Length of the step that begins at <paramref name="from"/>.</summary>
    /// <param name="log">The log.</param>
    /// <param name="from">Entries computed before.</param>
    /// <param name="most">Longest step where the schedule leaves it open.</param>
    public int Step(ReadOnlySpan<int> log, int from, int most)
    {
        if (!Exact)
            return Math.Min(most, log.Length - from);
        if (log[from] < 0)
            return 1;
        int end = Math.Min(((from / Chunk) + 1) * Chunk, log.Length);
        int generated = log[from..end].IndexOfAnyInRange(int.MinValue, -1);
        return generated < 0 ? end - from : generated;
    }

    /// <summary>How much of what is computed, here or for another session, a log can be built upon.</summary>
    /// <param name="log">The log that is wanted; not empty.</param>
    /// <param name="computed">The log of what is computed.</param>
    /// <returns>Less than the log, because its last step gives the logits.</returns>
    public int Reusable(ReadOnlySpan<int> log, ReadOnlySpan<int> computed)
    {
        int at = Math.Min(log.CommonPrefixLength(computed), log.Length - 1);

        // A prompt that ends here in both was cut here in both.
        bool ends = log[at] < 0 && (at == computed.Length || computed[at] < 0);
        return ends ? at : Start(log, at);
    }

    /// <summary>The last place up to <paramref name="at"/> that a log can be gone on from, whatever was held behind it.</summary>
    public int Start(ReadOnlySpan<int> log, int at) => Exact ? StepStart(log, at) : at;

    /// <summary>
    /// Whether so many computed entries can be copied and gone on with. llama.cpp copies of a sliding window only what it still
    /// sees, into other cells than it had: the same sum in another order.
    /// </summary>
    public bool CanCopy(int computed) => !Exact || Window == 0 || computed < Window;

    /// <summary>The start of the step that <paramref name="at"/> lies in or ends.</summary>
    private static int StepStart(ReadOnlySpan<int> log, int at)
    {
        while (at > 0 && at % Chunk != 0 && log[at - 1] >= 0)
            at--;
        return at;
    }
}
