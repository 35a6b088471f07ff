using VAI.Native;

namespace VAI;

/// <summary>
/// The root of every error VAI raises by itself. Three kinds follow from who can mend it: the caller
/// (<see cref="VaiUsageException"/>), whoever made the model file (<see cref="VaiModelException"/>), or VAI and the
/// machine under it (<see cref="VaiEngineException"/>). The message says what happened, to what, and what to do.
/// </summary>
/// <remarks>
/// Outside this family there are only .NET's own: <see cref="OperationCanceledException"/> where a token was cancelled,
/// <see cref="ObjectDisposedException"/> where an object is used after its disposal, <see cref="ArgumentNullException"/>
/// for a null argument and <see cref="PlatformNotSupportedException"/> where VAI cannot run at all.
/// </remarks>
public abstract class VaiException : Exception
{
    private const int MostChars = 6_000;

    private protected VaiException(VaiError code, string message, Exception? inner)
        : base(Excerpt.Of(message, MostChars), inner) => Code = code;

    /// <summary>What went wrong, for programs; the message is for people.</summary>
    public VaiError Code { get; }
}

/// <summary>The caller's: an argument, an option or an order of calls that cannot work.</summary>
public sealed class VaiUsageException : VaiException
{
    /// <summary>Creates the error.</summary>
    /// <param name="code">What went wrong.</param>
    /// <param name="message">What happened, to what, and what to do.</param>
    /// <param name="inner">The cause, if another exception led here.</param>
    public VaiUsageException(VaiError code, string message, Exception? inner = null)
        : base(code, message, inner)
    {
    }
}

/// <summary>The model's: a file that is damaged, hostile, or of a kind VAI cannot run.</summary>
public sealed class VaiModelException : VaiException
{
    /// <summary>Creates the error.</summary>
    /// <param name="code">What went wrong.</param>
    /// <param name="message">What happened, to what, and what to do.</param>
    /// <param name="inner">The cause, if another exception led here.</param>
    public VaiModelException(VaiError code, string message, Exception? inner = null)
        : base(code, message, inner)
    {
    }
}

/// <summary>Ours: the native library, the operating system or VAI itself failed.</summary>
public sealed class VaiEngineException : VaiException
{
    /// <summary>Creates the error.</summary>
    /// <param name="code">What went wrong.</param>
    /// <param name="message">What happened, to what, and what to do.</param>
    /// <param name="inner">The cause, if another exception led here.</param>
    public VaiEngineException(VaiError code, string message, Exception? inner = null)
        : base(code, message, inner)
    {
    }
}
