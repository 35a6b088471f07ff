namespace VAI.Bench;

/// <summary>Something that generates tokens when it is asked to, and nothing meanwhile: one engine among those that are compared.</summary>
internal interface IDecoding
{
    /// <summary>How many tokens come in a second of a window, once the stream has run for a while.</summary>
    Task<double> MeasureAsync(TimeSpan settling, TimeSpan window, CancellationToken cancellationToken);
}
