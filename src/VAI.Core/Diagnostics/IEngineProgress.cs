namespace VAI.Diagnostics;

/// <summary>
/// Told of whatever an engine does, so that one that hangs can be told from one that is busy. Called in the middle of it, from several threads:
/// it takes nanoseconds, allocates nothing and throws nothing.
/// </summary>
internal interface IEngineProgress
{
    /// <summary>The pipeline's thread begins a step, or what else it does between two waits.</summary>
    void Begin();

    /// <summary>It has ended what it began.</summary>
    void End();

    /// <summary>A load, a burn or a preparation has come further.</summary>
    void Move();
}
