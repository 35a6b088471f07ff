namespace VAI.Remote.Wire;

/// <summary>Exceptions as documents, and back.</summary>
internal static class WireErrors
{
    private const string Usage = "usage";
    private const string Model = "model";
    private const string Engine = "engine";
    private const string Cancelled = "cancelled";
    private const string Disposed = "disposed";

    public static WireError From(Exception e) => e switch
    {
        VaiUsageException u => new WireError(Usage, u.Code.ToString(), u.Message),
        VaiModelException m => new WireError(Model, m.Code.ToString(), m.Message),
        VaiEngineException n => new WireError(Engine, n.Code.ToString(), n.Message),
        OperationCanceledException => new WireError(Cancelled, nameof(VaiError.EngineLost), "The request was cancelled."),
        ObjectDisposedException => new WireError(Disposed, nameof(VaiError.EngineLost), "The session was closed while it was in use."),
        ArgumentException => new WireError(Usage, nameof(VaiError.InvalidOption), e.Message),
        _ => new WireError(Engine, nameof(VaiError.NativeFailure), $"{e.GetType().Name}: {e.Message}"),
    };

    /// <summary>The exception of the same kind and code. A code of a newer daemon becomes the most general one of its kind.</summary>
    public static Exception ToException(WireError error)
    {
        bool known = Enum.TryParse(error.Code, out VaiError code);
        return error.Kind switch
        {
            Usage => new VaiUsageException(known ? code : VaiError.InvalidOption, error.Message),
            Model => new VaiModelException(known ? code : VaiError.InvalidModel, error.Message),
            Cancelled => new OperationCanceledException(error.Message),
            Disposed => new ObjectDisposedException(nameof(IInferenceSession), error.Message),
            _ => new VaiEngineException(known ? code : VaiError.NativeFailure, error.Message),
        };
    }

    /// <summary>
    /// The other side gave up by itself, not for anything that was asked: it is ending, or has closed the session. Asking again helps.
    /// </summary>
    public static bool IsInterruption(WireError error) => error.Kind is Cancelled or Disposed;
}
