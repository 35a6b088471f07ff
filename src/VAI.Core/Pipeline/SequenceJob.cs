using VAI.Native.Llama;
using VAI.Sessions;
using VAI.Sram;

namespace VAI.Pipeline;

/// <summary>A job on a session: its log is computed up to <see cref="Job.Target"/>, and then the job does something with the logits.</summary>
internal abstract class SequenceJob(Session session, JobTimes times) : Job(session.Context.Lane, times)
{
    public Session Session => session;

    public override ReadOnlySpan<int> Log => session.LogSpan;

    public override SramLine? Line => session.Line;

    public override int Cells => Target;

    public override bool IsPrompt => session.Context.Schedule.IsPrompt(session.LogSpan[..Target], session.Line!.Tokens.Count);

    /// <summary>Whether each row's logits are wanted, rather than the last one's.</summary>
    protected virtual bool WantsAllLogits => false;

    public override bool TryPlace(SramPlacer placer, int growth) => placer.TryPlace(session, Cells, growth);

    public override StepDemand Demand(int most)
    {
        int computed = session.Line!.Tokens.Count;
        int rows = session.Context.Schedule.Step(session.LogSpan[..Target], computed, most);
        RowOutputs outputs = WantsAllLogits ? RowOutputs.All : computed + rows == session.Log.Count ? RowOutputs.Last : RowOutputs.None;
        return new StepDemand(rows, outputs);
    }

    public override void Commit(LlamaContext llama, Range rows)
    {
        if (Target <= 0 || session.Line!.Tokens.Count >= Target)
            Reached(llama, rows.End.Value - 1);
    }

    public override void Park(SramPlacer placer) => placer.Park(session);

    public override void Rest(SramPlacer placer)
    {
        if (session.Line is { } line)
            line.Use = Blocked ? LineUse.Blocked : LineUse.Idle;
    }

    public override void Spoil(SramPlacer placer) => placer.Drop(session);

    /// <summary>The log is computed up to <see cref="Job.Target"/>; the row has the logits, or is -1 if nothing had to be computed.</summary>
    protected abstract void Reached(LlamaContext llama, int row);

    protected override void LetGo() => session.Release(this);
}
