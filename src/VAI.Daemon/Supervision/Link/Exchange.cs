using System.Text.Json;
using VAI.Remote.Wire;

namespace VAI.Daemon.Supervision.Link;

/// <summary>Something that is asked of an engine, until it is answered.</summary>
/// <param name="link">Of which engine.</param>
/// <param name="id">Its id on the link.</param>
/// <param name="request">Whose it is, which outlives the link; null for the supervisor's own.</param>
internal abstract class Exchange(EngineLink link, ulong id, Request? request)
{
    public ulong Id => id;

    public Request? Request => request;

    /// <summary>Whether the engine can answer without a turn of the pipeline, so that its silence says something.</summary>
    public abstract bool IsPrompt { get; }

    /// <summary>The models that are being loaded.</summary>
    public virtual IReadOnlyList<string> Loading => [];

    /// <summary>How often it was looked at since something of it came.</summary>
    public int Silent { get; set; }

    /// <summary>How often in a row the engine has said that it knows nothing of it.</summary>
    public int Unknown { get; set; }

    protected EngineLink Link => link;

    /// <summary>A frame came. On the reading thread.</summary>
    /// <returns>Whether it was the last.</returns>
    /// <exception cref="LinkEndedException">It is none that is due.</exception>
    public abstract bool Take(LinkKind kind, ReadOnlySpan<byte> payload);

    /// <summary>None will come.</summary>
    public abstract void Lose(LinkEndedException reason);

    protected static LinkEndedException Unexpected(LinkKind kind) => new($"a frame {kind} came where none was due");

    protected static Exception ErrorOf(ReadOnlySpan<byte> payload)
    {
        try
        {
            return JsonSerializer.Deserialize(payload, WireJson.Default.WireError) is { Kind: not null, Code: not null } error
                ? WireErrors.ToException(error)
                : throw new LinkEndedException("an error came that is none");
        }
        catch (JsonException e)
        {
            throw new LinkEndedException($"an error came that is none ({e.Message})", e);
        }
    }
}

/// <summary>One question, one answer.</summary>
internal sealed class Call(EngineLink link, ulong id, LinkMethod method, Request? request, IProgress<WireLoadEvent>? progress, IReadOnlyList<string>? loading)
    : Exchange(link, id, request)
{
    private readonly TaskCompletionSource<byte[]> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<byte[]> Answer => _answer.Task;

    public override IReadOnlyList<string> Loading => loading ?? [];

    public override bool IsPrompt => method is not (LinkMethod.Embed or LinkMethod.Rebuild or LinkMethod.Park or LinkMethod.Save or LinkMethod.Fork or LinkMethod.Close);

    public override bool Take(LinkKind kind, ReadOnlySpan<byte> payload)
    {
        switch (kind)
        {
            case LinkKind.Event:
                try
                {
                    if (JsonSerializer.Deserialize(payload, WireJson.Default.WireLoadEvent) is { } e)
                        progress?.Report(e);
                }
                catch (JsonException e)
                {
                    throw new LinkEndedException($"an event came that is none ({e.Message})", e);
                }

                return false;
            case LinkKind.Answer:
                _answer.TrySetResult(payload.ToArray());
                return true;
            case LinkKind.Error:
                _answer.TrySetException(ErrorOf(payload));
                return true;
            default:
                throw Unexpected(kind);
        }
    }

    public override void Lose(LinkEndedException reason) => _answer.TrySetException(reason);

    public void Cancel(CancellationToken cancellationToken)
    {
        Link.Remove(this);
        if (_answer.TrySetCanceled(cancellationToken))
            Link.Cancel(Id);
    }
}
