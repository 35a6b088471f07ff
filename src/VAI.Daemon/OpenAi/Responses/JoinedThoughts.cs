using VAI.Text.Chat;

namespace VAI.Daemon.OpenAi.Responses;

/// <summary>
/// Puts what a model thinks back into its answer, with the marks around it, as <c>reasoning_format</c> of <c>none</c> asks: for answers of which the
/// engine tells it, since they are held to something behind it, or it may only be so long.
/// </summary>
internal sealed class JoinedThoughts
{
    private readonly string _open;
    private readonly string _close;
    private readonly string _closeBeforeCalls;
    private bool _inside;
    private bool _behind;

    private JoinedThoughts(ReasoningFormat format, bool begins)
    {
        _open = format.Open.EndsWith('\n') ? format.Open : format.Open + "\n";
        (_close, _closeBeforeCalls) = (Reasoning.End(format, mayCall: false), Reasoning.End(format, mayCall: true));
        _inside = begins;
    }

    /// <summary>For an answer to a prompt; null where nothing is to be put back.</summary>
    public static JoinedThoughts? For(Prompt prompt) =>
        prompt is { Joined: true, Chat: { Reasoning: { } format } chat } ? new JoinedThoughts(format, chat.BeginsInReasoning) : null;

    /// <summary>What has to come before an update: the mark behind the thoughts; null for nothing.</summary>
    public InferenceUpdate? Before(in InferenceUpdate update)
    {
        if (!_inside || update.Kind == InferenceUpdateKind.Reasoning || update.Text.Length == 0)
            return null;
        (_inside, _behind) = (false, true);
        return new InferenceUpdate(update.Kind == InferenceUpdateKind.ToolCalls ? _closeBeforeCalls : _close, -1);
    }

    /// <summary>The update as a part of the answer.</summary>
    public InferenceUpdate Of(InferenceUpdate update)
    {
        if (update.Kind != InferenceUpdateKind.Reasoning)
            return update;
        string text = update.Text.Length > 0 && !_inside && !_behind ? _open + update.Text : update.Text;
        _inside |= text.Length > 0 && !_behind;
        return update with { Text = text, Kind = InferenceUpdateKind.Answer };
    }
}
