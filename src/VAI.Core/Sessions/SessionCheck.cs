using VAI.OptionRules;
using VAI.Text.Constraints;

namespace VAI.Sessions;

/// <summary>What every session checks alike, whoever computes it.</summary>
internal static class SessionCheck
{
    /// <summary>Whether it may be used now; to be called under the session's lock.</summary>
    /// <param name="session">The session.</param>
    /// <param name="disposed">Whether it was disposed.</param>
    /// <param name="busy">Whether a transaction or another call uses it.</param>
    public static void Usable(IInferenceSession session, bool disposed, bool busy)
    {
        ObjectDisposedException.ThrowIf(disposed, session);
        if (busy)
        {
            throw new VaiUsageException(
                VaiError.SessionBusy, "The session is in use by a transaction, or by another call. Await that, cancel it, or open another session.");
        }
    }

    /// <summary>A transaction's options, before it is begun: defaults where there are none.</summary>
    public static InferenceOptions Options(IInferenceSession session, bool disposed, InferenceOptions? options)
    {
        options ??= new InferenceOptions();
        ObjectDisposedException.ThrowIf(disposed, session);
        OptionCheck.Duration(options.Deadline, nameof(options.Deadline));
        OptionCheck.Duration(options.SramWait, nameof(options.SramWait));
        CheckReasoning(options);
        if (options.Constraint is { } constraint)
            CompiledConstraint.Of(constraint);
        SamplerFactory.Check(options, session.Model.Info.VocabularySize);
        return options;
    }

    private static void CheckReasoning(InferenceOptions options)
    {
        const int Longest = 256;
        if (options.ReasoningBudget is { } budget)
            OptionCheck.Range(budget, 0, int.MaxValue, nameof(options.ReasoningBudget));
        if (options.Reasoning is { } format && (format.Open is not { Length: > 0 and <= Longest } || format.Close is not { Length: > 0 and <= Longest }
            || format.Answer?.Length is 0 or > Longest))
        {
            throw OptionCheck.Invalid($"A mark of {nameof(options.Reasoning)} is empty, or longer than {Longest} characters.");
        }
    }

    /// <summary>A transaction's tokens, before it is begun: a copy, as it runs later, and what the caller's memory holds by then is not what was checked.</summary>
    public static int[] Tokens(IInferenceSession session, ReadOnlyMemory<int> tokens, string what)
    {
        int[] copy = tokens.ToArray();
        OptionCheck.Tokens(copy, what, session.Model.Name, session.Model.Info.VocabularySize);
        return copy;
    }
}
