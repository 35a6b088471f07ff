using System.Diagnostics;
using System.Threading.Channels;
using VAI.Native.Llama;
using VAI.Text;

namespace VAI.Engine;

/// <summary>
/// One InferAsync: a prompt in, updates out. The pipeline steps it (a chunk of prefill, or one token), the reader takes the
/// updates from a bounded channel. If the channel is full the job parks itself, and the reader submits it again.
/// </summary>
internal sealed class Transaction : IPipelineJob
{
    private readonly Session _session;
    private readonly LlamaContext _llama;
    private readonly LlamaVocab _vocab;
    private readonly LlamaSampler _sampler;
    private readonly TextStream _text;
    private readonly TokenPieces _pieces;
    private readonly Channel<InferenceUpdate> _updates;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationToken _cancellationToken;
    private readonly int[] _prompt;
    private readonly uint _seed;
    private readonly int _maxTokens;
    private readonly int _before;
    private readonly int _reused;
    private readonly long _start;

    private InferenceUpdate _pending;
    private bool _hasPending;
    private InferenceResult? _result;
    private SwitchClass _switchClass;
    private bool _begun;
    private int _generated;
    private long _firstToken;
    private int _parked;
    private volatile bool _cancelled;

    public Transaction(
        Session session, int[] prompt, InferenceOptions options, int bufferedUpdates, long start, CancellationToken cancellationToken)
    {
        _session = session;
        _llama = session.Context.Llama;
        _vocab = session.Context.Model.Vocab;
        _prompt = prompt;
        _before = session.Log.Count;
        _reused = session.Computed;
        _maxTokens = options.MaxTokens ?? int.MaxValue;
        _seed = SamplerFactory.Seed(options);
        _sampler = SamplerFactory.Create(options, _seed, _vocab);
        _text = new TextStream(options.Stop);
        _pieces = new TokenPieces(_vocab, special: false);
        _updates = Channel.CreateBounded<InferenceUpdate>(
            new BoundedChannelOptions(bufferedUpdates) { SingleReader = true, SingleWriter = true });
        _start = start;
        _cancellationToken = cancellationToken;

        // The penalties look back into the prompt and the session.
        if (options.PenaltyLastN > 0)
        {
            foreach (int token in session.Log.Concat(prompt).TakeLast(options.PenaltyLastN))
                _sampler.Accept(token);
        }
    }

    /// <summary>Ends when the session may be used again.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Tokens of the session as the reader may see them.</summary>
    public int TokenCount => _before + _prompt.Length + Volatile.Read(ref _generated);

    public ValueTask<bool> WaitAsync() => _updates.Reader.WaitToReadAsync();

    public bool TryRead(out InferenceUpdate update)
    {
        bool read = _updates.Reader.TryRead(out update);
        if (read)
            Unpark();
        return read;
    }

    /// <summary>Ends the transaction at its next step. From any thread, any number of times.</summary>
    public void Cancel()
    {
        _cancelled = true;

        // SYNC POINT with Park: either this sees the parked word, or Park sees the cancellation.
        Interlocked.MemoryBarrier();
        Unpark();
    }

    public StepResult Step()
    {
        if (_cancelled)
            return Abandon();
        if (!HandOver())
            return Park();
        if (_result is null)
        {
            if (!_begun)
                Begin();
            if (!Prefill())
                return StepResult.Again;
            Generate();
            if (!HandOver())
                return Park();
            if (_result is null)
                return StepResult.Again;
        }

        if (_result is not null && _pending.Result is null)
        {
            _pending = new InferenceUpdate(_text.Finish(), -1, _result);
            _hasPending = true;
            if (!HandOver())
                return Park();
        }

        End(null);
        return StepResult.Done;
    }

    public void Fail(Exception error)
    {
        try
        {
            _session.Truncate(_before);
        }
        finally
        {
            End(error);
        }
    }

    private void Begin()
    {
        _begun = true;
        _switchClass = _session.Context.TakeSwitchClass();
        List<int> log = _session.Log;
        long room = Math.Min(_session.Context.ContextLength, (long)log.Count + _prompt.Length + _maxTokens);
        log.EnsureCapacity((int)Math.Min(room, 1 << 16));
        log.AddRange(_prompt);

        // Logits come from a computed token: of a log that is all in the KV the last one is computed again.
        if (_session.Computed >= log.Count)
            _session.TruncateKv(log.Count - 1);
    }

    /// <summary>Computes the next chunk of what the KV lacks; true once the last row's logits are there.</summary>
    private bool Prefill()
    {
        List<int> log = _session.Log;
        LlamaBatch batch = _llama.Batch;
        int from = _session.Computed;
        int count = Math.Min(log.Count - from, batch.Capacity);
        bool last = from + count == log.Count;
        if (count > _session.Context.Bank.CellsFree)
            ThrowSramFull(count);
        batch.Clear();
        for (int i = 0; i < count; i++)
            batch.Add(log[from + i], from + i, _session.Sequence, logits: last && i == count - 1);
        if (_llama.Decode() != DecodeStatus.Ok)
            ThrowSramFull(count);
        _session.Advance(count);
        return last;
    }

    private void Generate()
    {
        int token = _llama.Sample(_sampler, _llama.Batch.Count - 1);
        _session.Log.Add(token);
        Volatile.Write(ref _generated, _generated + 1);
        long now = Stopwatch.GetTimestamp();
        if (_firstToken == 0)
            _firstToken = now;

        bool endOfSequence = _vocab.IsEndOfGeneration(token);
        string text = endOfSequence ? "" : _text.Append(_pieces.Of(token));
        _pending = new InferenceUpdate(text, token);
        _hasPending = true;

        FinishReason? reason = endOfSequence ? FinishReason.EndOfSequence
            : _text.Stopped ? FinishReason.StopString
            : _generated >= _maxTokens ? FinishReason.MaxTokens
            : _session.Log.Count >= _session.Context.ContextLength ? FinishReason.ContextFull
            : null;
        if (reason is { } finish)
            _result = Result(finish, now);
    }

    private InferenceResult Result(FinishReason reason, long end) => new()
    {
        FinishReason = reason,
        PromptTokens = _prompt.Length,
        GeneratedTokens = _generated,
        ReusedTokens = _reused,
        FirstTokenTime = Stopwatch.GetElapsedTime(_start, _firstToken),
        TotalTime = Stopwatch.GetElapsedTime(_start, end),
        SwitchClass = _switchClass,
        Seed = _seed,
    };

    private bool HandOver()
    {
        if (!_hasPending)
            return true;
        if (!_updates.Writer.TryWrite(_pending))
        {
            // SYNC POINT with Unpark: say that we park, then look again. Whoever clears the word goes on with the job.
            Volatile.Write(ref _parked, 1);
            Interlocked.MemoryBarrier();
            if (!_updates.Writer.TryWrite(_pending))
                return false;
            _hasPending = false;
            return Interlocked.Exchange(ref _parked, 0) == 1;
        }

        _hasPending = false;
        return true;
    }

    /// <summary>Leaves the job to whoever cleared the word; a cancellation that came before it was set is ours to see.</summary>
    private StepResult Park() =>
        _cancelled && Interlocked.Exchange(ref _parked, 0) == 1 ? StepResult.Again : StepResult.Parked;

    private void Unpark()
    {
        // SYNC POINT with HandOver.
        if (Volatile.Read(ref _parked) == 1 && Interlocked.Exchange(ref _parked, 0) == 1)
            _session.Context.Pipeline.Submit(this);
    }

    private StepResult Abandon()
    {
        if (_generated == 0)
            _session.Truncate(_before);
        End(_cancellationToken.IsCancellationRequested
            ? new OperationCanceledException(_cancellationToken)
            : new ObjectDisposedException(nameof(IInferenceSession), "The session was disposed while its transaction ran."));
        return StepResult.Done;
    }

    private void End(Exception? error)
    {
        _sampler.Dispose();
        _session.Context.CountTokens(_generated);
        _session.Release();
        _updates.Writer.TryComplete(error);
        _ended.TrySetResult();
    }

    private void ThrowSramFull(int count) => throw new VaiUsageException(
        VaiError.SramFull,
        $"{count} more tokens do not fit: the bank of '{_session.Context.Name}' has {_session.Context.Bank.CellsFree} of "
        + $"{_session.Context.Bank.Cells} cells free. Dispose a session, or load the model with a larger SramTokens.");
}
