using System.Numerics;
using Microsoft.Extensions.Options;
using VAI.Pipeline.Steps;
using VAI.Sessions;

namespace VAI.OptionRules;

/// <summary>Range checks with one wording.</summary>
internal static class OptionCheck
{
    public static void Range<T>(T value, T min, T max, string name)
        where T : INumber<T>
    {
        if (Outside(value, min, max, name) is { } message)
            throw Invalid(message);
    }

    /// <returns>What is wrong; null if the value is in the range.</returns>
    public static string? Outside<T>(T value, T min, T max, string name)
        where T : INumber<T> =>
        value >= min && value <= max ? null : $"{name} is {value}; it must be from {min} to {max}.";

    /// <summary>Checks the rules that stand at the options, of all models.</summary>
    public static void Options(VaiOptions options) => Throw(new VaiOptionsValidator().Validate(null, options));

    /// <summary>The same of one model.</summary>
    public static void Options(ModelOptions model) => Throw(new ModelOptionsValidator().Validate(null, model));

    public static void AboveRange(float value, float above, float max, string name)
    {
        if (!(value > above && value <= max))
            throw Invalid($"{name} is {value}; it must be above {above} and at most {max}.");
    }

    /// <summary>How long something may take: null and infinite are for ever.</summary>
    public static void Duration(TimeSpan? time, string name)
    {
        if (time < TimeSpan.Zero && time != Timeout.InfiniteTimeSpan)
            throw Invalid($"{name} is {time}; it must be zero or more, or infinite.");
    }

    public static void Session(SessionOptions options, IModelContext model)
    {
        Range(options.BufferedUpdates, 1, 65_536, nameof(SessionOptions.BufferedUpdates));
        if (!Enum.IsDefined(options.Priority))
            throw Invalid($"{nameof(SessionOptions.Priority)} is {options.Priority}, which is none of the enumeration's.");
        if (model.Info.IsEmbedding)
            throw new VaiUsageException(VaiError.NotSupported, $"'{model.Name}' makes embeddings and generates no text. Ask it for embeddings, or name a model that writes.");
    }

    public static void Embedding(EmbeddingOptions options, IModelContext model)
    {
        if (!model.Info.IsEmbedding)
            throw new VaiUsageException(VaiError.NotSupported, $"'{model.Name}' generates text and makes no embeddings. Load an embedding model.");
        if (!Enum.IsDefined(options.Priority))
            throw Invalid($"{nameof(EmbeddingOptions.Priority)} is {options.Priority}, which is none of the enumeration's.");
        Duration(options.Deadline, nameof(EmbeddingOptions.Deadline));
    }

    public static void State(SessionState state, IModelContext model, int vocabulary)
    {
        Tokens([.. state.Log.Select(Schedule.Id)], "The session", model.Name, vocabulary);
        Range(state.Committed, 0, state.Log.Count, "The committed length of a session");
        if (state.Log.Count > model.ContextLength)
        {
            throw new VaiUsageException(
                VaiError.ContextFull,
                $"The session has {state.Log.Count} tokens, but '{model.Name}' has a context of {model.ContextLength}. "
                + "Load it with a larger context.");
        }
    }

    public static void Tokens(ReadOnlySpan<int> tokens, string what, string model, int vocabulary)
    {
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)vocabulary)
                throw Invalid($"{what} holds token {token}; ids of '{model}' are 0 to {vocabulary - 1}.");
        }
    }

    public static VaiUsageException Invalid(string message, Exception? inner = null) => new(VaiError.InvalidOption, message, inner);

    private static void Throw(ValidateOptionsResult result)
    {
        if (result.Failed)
            throw Invalid(string.Join(" ", result.Failures));
    }
}
