namespace VAI;

/// <summary>
/// Names a loaded model for as long as it is loaded: a place in a table and the count of that place's uses, so that a
/// handle kept over an unload is refused instead of meaning another model. A handle belongs to the <see cref="IVai"/> that gave it.
/// </summary>
public readonly record struct ModelHandle
{
    internal ModelHandle(int index, int generation)
    {
        Index = index;
        Generation = generation;
    }

    internal int Index { get; }

    // 1 or more for every handle ever given, so that default(ModelHandle) names nothing.
    internal int Generation { get; }
}
