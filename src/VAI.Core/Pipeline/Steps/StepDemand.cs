using VAI.Pipeline.Jobs;

namespace VAI.Pipeline.Steps;

/// <summary>Which rows of a job's part of a step are to have outputs: logits, or an embedding's share.</summary>
internal enum RowOutputs
{
    None,
    Last,
    All,
}

/// <summary>What a job asks of the next step: the entries of its log that come after those on its line.</summary>
/// <param name="Rows">How many; 0 for none now.</param>
/// <param name="Outputs">Which of them are to have outputs.</param>
/// <param name="Whole">Whether a part of them is of no use: a text whose tokens attend to each other both ways.</param>
internal readonly record struct StepDemand(int Rows, RowOutputs Outputs, bool Whole = false);

/// <summary>A job's rows in a step.</summary>
internal readonly record struct StepPart(Job Job, int First, int Rows);
