using VAI.Native.Llama;
using VAI.Pipeline.Steps;
using VAI.Sessions;
using VAI.Sram;

namespace VAI.Pipeline.Jobs;

/// <summary>A job on a session: its log is computed up to <see cref="Job.Target"/>, and then the job does something with the logits.</summary>
internal abstract class SequenceJob(Session session, JobTimes times) : Job(session.Context.Lane, times)
{
    public Session Session => session;

    public override ReadOnlySpan<int> Log => session.LogSpan;

    public override SramLine? Line => session.Line;

    public override int Cells => Target;

    public override bool IsPrompt => session.Context.Schedule.IsPrompt(session.LogSpan[..Target], session.Line!.Tokens.Count);

    /// <summary>The first entry of the log whose row is wanted beside the last one's; <see cref="int.MaxValue"/> for none.</summary>
    protected virtual int WantsRowsFrom => int.MaxValue;

    private bool WantsRows => WantsRowsFrom < Target - 1;

    public override bool TryPlace(SramPlacer placer, int growth) => placer.TryPlace(session, Cells, growth, WantsRowsFrom);

    public override StepDemand Demand(int most)
    {
        int computed = session.Line!.Tokens.Count;

        // Rows with logits take as much memory each as the vocabulary is long, which no plan counts.
        int rows = session.Context.Schedule.Step(session.LogSpan[..Target], computed, WantsRows ? Math.Min(most, Schedule.Chunk) : most);
        RowOutputs outputs = computed + rows > WantsRowsFrom ? RowOutputs.All : computed + rows == session.Log.Count ? RowOutputs.Last : RowOutputs.None;
        return new StepDemand(rows, outputs);
    }

    public override void Commit(LlamaContext llama, Range rows)
    {
        if (WantsRows)
        {
            int until = session.Line!.Tokens.Count, from = until - (rows.End.Value - rows.Start.Value);
            int wanted = Math.Max(from, WantsRowsFrom), count = Math.Min(until, Target - 1) - wanted;
            if (count > 0)
                Computed(llama, rows.Start.Value + wanted - from, wanted, count);

            // What is sampled is to be what it is where nobody asked for rows: once more, with the last one's logits alone.
            if (until >= Target && !WantsRows && !session.Context.Schedule.OutputsAreAlike)
            {
                Lane.Placer.Rewind(session.Line!, from);
                return;
            }
        }

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

    /// <summary>Rows of a step that are wanted (<see cref="WantsRowsFrom"/>), the log's last one not among them.</summary>
    /// <param name="llama">Has the logits of the rows.</param>
    /// <param name="row">The row of the entry at <paramref name="from"/>.</param>
    /// <param name="from">The first entry.</param>
    /// <param name="count">How many.</param>
    protected virtual void Computed(LlamaContext llama, int row, int from, int count)
    {
    }

    /// <summary>The log is computed up to <see cref="Job.Target"/>; the row has the logits, or is -1 if nothing had to be computed.</summary>
    protected abstract void Reached(LlamaContext llama, int row);

    protected override void LetGo() => session.Release(this);
}
