namespace VAI.Pipeline;

/// <summary>
/// Where an engine runs foreign code on a thread whose work it waits for at its end: listeners on the pipeline's thread, a load's
/// progress, loggers. Foreign code there that disposes the engine would wait for itself; the engine sees it by this mark.
/// </summary>
internal static class EngineThread
{
    [ThreadStatic]
    private static Mark? _innermost;

    /// <summary>Marks this thread as one that the engine waits for, until the mark is disposed, on this thread.</summary>
    /// <param name="engine">Stands for the engine.</param>
    /// <returns>The mark.</returns>
    public static IDisposable Enter(object engine) => _innermost = new Mark(engine, _innermost);

    /// <summary>Whether the engine waits for this thread.</summary>
    public static bool IsOf(object engine)
    {
        for (Mark? mark = _innermost; mark is not null; mark = mark.Outer)
        {
            if (mark.Engine == engine)
                return true;
        }

        return false;
    }

    private sealed class Mark(object engine, Mark? outer) : IDisposable
    {
        public object Engine => engine;

        public Mark? Outer => outer;

        public void Dispose() => _innermost = outer;
    }
}
