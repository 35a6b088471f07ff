using System.Diagnostics;
using System.Runtime.ExceptionServices;
using VAI.Diagnostics;
using VAI.Native.Llama;
using VAI.Pipeline.Readers;
using VAI.Pipeline.Steps;
using VAI.Sessions;
using VAI.Sessions.Sampling;
using VAI.Sram;
using VAI.Text;
using VAI.Text.Constraints;

namespace VAI.Pipeline.Jobs;

/// <summary>
/// One InferAsync: a prompt in, updates out. The lane computes it, the reader takes the updates from a ring. If that is
/// full the job is blocked, and the reader wakes the lane.
/// </summary>
internal sealed class Transaction : SequenceJob
{
    // More is allocated as it is needed: most generations end long before their context does.
    private const int MostReserved = 1 << 16;

    // More is what was parked, and is computed again like a prompt.
    private const int MostTail = 64;

    private readonly LlamaVocab _vocab;
    private readonly ConstraintMask? _mask;
    private readonly TokenSampler _sampler;
    private readonly LogProbability? _logProbability;
    private readonly PromptLogProbability? _promptLogProbability;
    private readonly GeneratedText _text;
    private readonly UpdateRing _updates;
    private readonly ReaderSignal _signal;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationToken _cancellationToken;
    private readonly int[] _prompt;
    private readonly int[] _resumed;
    private readonly uint _seed;
    private readonly int _maxTokens;
    private readonly bool _forward;
    private readonly int _before;

    private InferenceUpdate _pending;
    private bool _hasPending;
    private bool _lastSent;
    private bool _blocked;
    private InferenceResult? _result;
    private NearestKv _nearest;
    private ReuseBreak? _break;
    private SwitchClass _switchClass;
    private int _generated;
    private long _firstToken;
    private long _waited;
    private long _lastToken;
    private Exception? _error;
    private volatile bool _complete;

    /// <param name="session">The session.</param>
    /// <param name="prompt">The prompt's tokens.</param>
    /// <param name="resumed">What was generated, and handed over, before the transaction was interrupted; empty for a new one.</param>
    /// <param name="options">Checked options.</param>
    /// <param name="bufferedUpdates">How far the reader may be behind.</param>
    /// <param name="times">When it is due.</param>
    /// <param name="cancellationToken">For the exception; the caller cancels the job.</param>
    public Transaction(
        Session session,
        int[] prompt,
        int[] resumed,
        InferenceOptions options,
        int bufferedUpdates,
        JobTimes times,
        CancellationToken cancellationToken)
        : base(session, times)
    {
        _vocab = session.Context.Model.Vocab;
        (_prompt, _resumed) = (prompt, resumed);
        _generated = resumed.Length;
        _before = session.Log.Count;
        _maxTokens = options.MaxTokens ?? int.MaxValue;
        _forward = options.FastForward;
        _seed = SamplerFactory.Seed(options);
        _mask = ConstraintMask.For(options, _vocab, _before + prompt.Length, Schedule.Id);
        _sampler = SamplerFactory.Create(options, _seed, _vocab.Count, _mask);
        _logProbability = LogProbability.For(options, _vocab);
        _promptLogProbability = PromptLogProbability.For(options, _logProbability, _before, prompt);
        _text = new GeneratedText(options, _vocab);
        _updates = new UpdateRing(bufferedUpdates);
        _signal = new ReaderSignal(session.Context.Lane.Readers);
        _cancellationToken = cancellationToken;

        foreach (int token in resumed)
        {
            _ = _text.Forced;
            if (!_vocab.IsEndOfGeneration(token))
                _text.Append(token);
        }
    }

    /// <summary>What cancels it; undone at its end, whatever its reader does then. Set before it is submitted.</summary>
    public CancellationTokenRegistration Registration { private get; set; }

    /// <summary>Ends when the session may be used again.</summary>
    public Task Ended => _ended.Task;

    /// <summary>What it came to; null before its end. For the reader, once it has the last update.</summary>
    public InferenceResult? Result => _result;

    /// <summary>Why it failed; null if it did not. For the reader, after its end.</summary>
    public Exception? Error => _error;

    /// <summary>Tokens of the session as the reader may see them.</summary>
    public int TokenCount => _before + _prompt.Length + Volatile.Read(ref _generated);

    public override int Target => Session.Log.Count;

    // One more is for the token that comes next, unless the context ends with it.
    public override int Cells => Math.Min(Target + 1, Session.Context.ContextLength);

    public override bool Blocked => _blocked;

    // What was written for the model, since its last token that it chose.
    public override bool IsTail => _generated > 0 && Target - Session.Line!.Tokens.Count <= MostTail;

    protected override int WantsRowsFrom => _promptLogProbability?.From ?? int.MaxValue;

    /// <summary>Whether everything was read.</summary>
    public bool AllRead => _complete && _updates.IsEmpty;

    /// <summary>Waits until there may be something to read, or everything was read.</summary>
    public ValueTask WaitAsync() => _signal.WaitAsync();

    public bool TryRead(out InferenceUpdate update)
    {
        bool read = _updates.TryRead(out update, out bool wake);
        if (wake)
            Session.Context.Lane.Wake();
        return read;
    }

    /// <summary>For the reader, once it has read everything.</summary>
    public void ThrowIfFailed()
    {
        if (_error is not null)
            ExceptionDispatchInfo.Throw(_error);
    }

    public override void Begin()
    {
        List<int> log = Session.Log;
        log.EnsureCapacity(Room);
        log.AddRange(_prompt);
        foreach (int token in _resumed)
            log.Add(Session.Context.Schedule.Generated(token));
        Session.MayBeCopied |= _resumed.Length > 0;

        // Interrupted between its last token and its result: there is nothing to compute, but for rows that were asked for.
        if (WantsRowsFrom == int.MaxValue)
            FinishIfResumedAtEnd();
    }

    public override bool TryPlace(SramPlacer placer, int growth)
    {
        bool placed = base.TryPlace(placer, growth);
        if (placed && Placed == 0)
            _nearest = placer.Nearest;
        return placed;
    }

    public override void Begun(int reused)
    {
        if (Placed == 0)
        {
            _switchClass = Session.Context.TakeSwitchClass();
            _break = _nearest.Break(Session.Context.Schedule, Session.LogSpan, reused);
        }

        base.Begun(reused);
        Session.Line!.Tokens.EnsureCapacity(Room);
    }

    protected override void Computed(LlamaContext llama, int row, int from, int count)
    {
        for (int i = 0; i < count; i++)
            _promptLogProbability!.Add(llama.Logits(row + i), from + i);
    }

    protected override void Reached(LlamaContext llama, int row)
    {
        if (FinishIfResumedAtEnd())
            return;
        ReadOnlySpan<float> logits = llama.Logits(row);
        int token = Forced is >= 0 and int forced ? forced : _sampler.Next(logits, Session.LogSpan);
        Take(token, _logProbability?.Of(logits, token));
        Deliver();
    }

    // The token that has to come next; -1 where the model may choose.
    private int Forced => _text.Forced is >= 0 and int forced ? forced : _forward && _mask is not null ? _mask.Forced(Session.LogSpan) : -1;

    private void Take(int token, TokenLogProbabilities? logProbabilities)
    {
        Session.Log.Add(Session.Context.Schedule.Generated(token));
        Volatile.Write(ref _generated, _generated + 1);
        long now = Stopwatch.GetTimestamp();
        if (_firstToken == 0)
        {
            (_firstToken, _waited) = (now, Waited);
            Session.Context.Lane.Begun();
        }
        else
        {
            Telemetry.TokenAfter(Session.Context.Name, _lastToken, now);
        }

        _lastToken = now;

        bool endOfSequence = _vocab.IsEndOfGeneration(token);
        (string text, InferenceUpdateKind kind) = endOfSequence ? ("", InferenceUpdateKind.Answer) : _text.Append(token);
        _pending = new InferenceUpdate(text, token) { Kind = kind, LogProbabilities = logProbabilities };
        _hasPending = true;

        if (Finished(token) is { } reason)
            _result = Finish(reason);
    }

    public override void Deliver()
    {
        while (true)
        {
            _blocked = !HandOver();
            if (_blocked)
                return;
            if (_result is null)
            {
                // What has to come is known before it is computed: all of it is computed in one step.
                if (!_forward || _generated == 0 || _logProbability is not null || Forced is not (>= 0 and int ahead))
                    return;
                Take(ahead, null);
                continue;
            }

            if (_lastSent)
            {
                End(null);
                return;
            }

            (string text, InferenceUpdateKind kind) = _text.Finish();
            _pending = new InferenceUpdate(text, -1, _result) { Kind = kind };
            _hasPending = _lastSent = true;
        }
    }

    public override void Expire()
    {
        if (_generated == 0)
        {
            Fail(new VaiUsageException(
                VaiError.DeadlineExceeded,
                $"The deadline passed before the first token: '{Session.Context.Name}' was busy, or the prompt of {_prompt.Length} tokens is long. "
                + "The session is as it was. Allow more time."));
            return;
        }

        _result ??= Finish(FinishReason.Deadline);
        Deliver();
    }

    public override void Abandon()
    {
        TakeBack();
        End(_cancellationToken.IsCancellationRequested ? new OperationCanceledException(_cancellationToken) : Session.Disposed());
    }

    public override void Fail(Exception error)
    {
        _generated = 0;
        TakeBack();
        End(error);
    }

    private bool FinishIfResumedAtEnd()
    {
        if (_resumed.Length == 0 || _generated > _resumed.Length || Finished(_resumed[^1]) is not { } reason)
            return false;
        _firstToken = _lastToken = Stopwatch.GetTimestamp();
        _result = Finish(reason);
        Deliver();
        return true;
    }

    private int Room => (int)Math.Min(
        Math.Min(Session.Context.ContextLength, (long)_before + _prompt.Length + _maxTokens), _before + _prompt.Length + MostReserved);

    // Before its first token a transaction has not happened.
    private void TakeBack()
    {
        if (_generated == 0 && Session.Log.Count > _before)
            Session.Log.RemoveRange(_before, Session.Log.Count - _before);
    }

    private FinishReason? Finished(int token) =>
        _vocab.IsEndOfGeneration(token) ? FinishReason.EndOfSequence
        : _text.Stopped ? FinishReason.StopString
        : _generated >= _maxTokens ? FinishReason.MaxTokens
        : Session.Log.Count >= Session.Context.ContextLength ? FinishReason.ContextFull
        : null;

    private InferenceResult Finish(FinishReason reason) => new()
    {
        FinishReason = reason,
        PromptTokens = _prompt.Length,
        GeneratedTokens = _generated,
        ReasoningTokens = _text.ReasoningTokens,
        ReusedTokens = Reused,
        ReuseBreak = Explained(_break),
        QueueTime = Stopwatch.GetElapsedTime(Start, Math.Max(Start, Placed)),
        WaitTime = Stopwatch.GetElapsedTime(0, _waited),
        FirstTokenTime = Stopwatch.GetElapsedTime(Start, _firstToken),
        TotalTime = Stopwatch.GetElapsedTime(Start, _lastToken),
        SwitchClass = _switchClass,
        Seed = _seed,
        ComputeThreads = Threads,
        PromptLogProbabilities = _promptLogProbability?.All,
    };

    // Of the prompt alone, to which the answer was added. It is made here: the pipeline's thread has the model's vocabulary for sure, and at the end nobody waits for a token.
    private ReuseBreak? Explained(ReuseBreak? found)
    {
        if (found is not { Reason: ReuseBreakReason.Differs })
            return found;
        (string before, string after) = TextAround.Of(_vocab, Session.LogSpan[..Math.Max(found.Position, _before + _prompt.Length)], found.Position);
        return found with { Before = before, After = after };
    }

    private bool HandOver()
    {
        if (!_hasPending)
            return true;
        if (!_updates.TryWrite(_pending))
            return false;
        _hasPending = false;
        _signal.Raise();
        return true;
    }

    protected override void LetGo()
    {
        _blocked = false;
        base.LetGo();
        Registration.Unregister();
        _mask?.Dispose();
        Session.Context.CountTokens(_generated);
    }

    protected override void Complete(Exception? error)
    {
        (_error, _complete) = (error, true);
        _signal.Raise();
        _ended.TrySetResult();
    }
}
