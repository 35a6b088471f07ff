using VAI.Native.Llama;
using VAI.Pipeline.Jobs;

namespace VAI.Pipeline.Steps;

/// <summary>
/// Computes the texts of a step side by side, each on a core of its own in a context of its own: of texts as short as they are, cores
/// that share one spend a third of their time on waiting for each other between two operations. A text that comes alone has all of them.
/// What else is in the step changes nothing of a text's vector, as no text sees another's rows.
/// </summary>
/// <remarks>Its threads are background threads; <see cref="Run"/> is called by the pipeline's thread, which takes part.</remarks>
internal sealed class EncoderCores : IDisposable
{
    private readonly LlamaContext _all;
    private readonly LlamaContext[] _each;
    private readonly Action? _rest;
    private readonly Action? _enter;
    private readonly SemaphoreSlim _begin = new(0);
    private readonly SemaphoreSlim _done = new(0);
    private IReadOnlyList<StepPart> _parts = [];
    private int _next;
    private int _busy;
    private volatile bool _disposed;

    /// <param name="all">A context that computes with all cores.</param>
    /// <param name="each">One for each core, which they come to own: none where a text after the other has all cores.</param>
    /// <param name="rest">Has the threads of <paramref name="all"/> sleep, which poll for a while otherwise.</param>
    /// <param name="enter">Called by each of its threads before it computes; null for nothing.</param>
    public EncoderCores(LlamaContext all, IReadOnlyList<LlamaContext> each, Action? rest, Action? enter = null)
    {
        (_all, _each, _rest, _enter) = (all, [.. each], rest, enter);
        for (int i = 1; i < _each.Length; i++)
        {
            LlamaContext core = _each[i];
            new Thread(() => Work(core)) { IsBackground = true, Name = "vai-texts" }.Start();
        }
    }

    /// <summary>Computes the step's texts. What fails of one is told to it alone.</summary>
    public DecodeStatus Run(IReadOnlyList<StepPart> parts)
    {
        if (parts.Count == 1 || _each.Length < 2)
        {
            foreach (StepPart part in parts)
            {
                if (((EmbeddingJob)part.Job).Compute(_all) is var status and not DecodeStatus.Ok)
                    return status;
            }

            return DecodeStatus.Ok;
        }

        _rest?.Invoke();
        (_parts, _next) = (parts, -1);
        int others = Math.Min(_each.Length, parts.Count) - 1;
        _busy = others + 1;
        _begin.Release(others);
        Take(_each[0]);

        // Whoever is last says so: a count that is seen to be none says nothing of who has still to say it.
        if (Interlocked.Decrement(ref _busy) != 0)
            _done.Wait();
        return DecodeStatus.Ok;
    }

    /// <summary>Ends the threads. No step runs.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (_each.Length > 1)
        {
            _busy = _each.Length - 1;
            _begin.Release(_busy);
            _done.Wait();
        }

        foreach (LlamaContext core in _each)
            core.Dispose();
        _begin.Dispose();
        _done.Dispose();
    }

    private void Work(LlamaContext core)
    {
        _enter?.Invoke();
        while (true)
        {
            _begin.Wait();
            if (_disposed)
                break;
            Take(core);
            Done();
        }

        Done();
    }

    private void Done()
    {
        if (Interlocked.Decrement(ref _busy) == 0)
            _done.Release();
    }

    private void Take(LlamaContext core)
    {
        // Who is done early takes the next: texts are of different lengths.
        while (Interlocked.Increment(ref _next) is var i && i < _parts.Count)
            ((EmbeddingJob)_parts[i].Job).Compute(core);
    }
}
