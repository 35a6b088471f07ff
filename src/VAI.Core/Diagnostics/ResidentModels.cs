using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using VAI.Residency;

namespace VAI.Diagnostics;

/// <summary>The models that are resident in this process, of all its engines, for the instruments that are asked.</summary>
internal static class ResidentModels
{
    private static ImmutableArray<ModelContext> _models = [];

    public static void Add(ModelContext model) => ImmutableInterlocked.Update(ref _models, static (all, m) => all.Add(m), model);

    public static void Remove(ModelContext model) => ImmutableInterlocked.Update(ref _models, static (all, m) => all.Remove(m), model);

    public static IEnumerable<Measurement<long>> UsedCells() =>
        ByName().Select(g => new Measurement<long>(g.Sum(m => (long)m.Bank.CellsUsed), Telemetry.Of(g.Key)));

    public static IEnumerable<Measurement<long>> Bytes() => ByName().SelectMany(g =>
    {
        ModelMemory[] memory = [.. g.Select(m => m.Memory).OfType<ModelMemory>()];
        return new (string Kind, long Bytes)[]
        {
            ("rom", memory.Sum(m => m.RomBytes)),
            ("kv", memory.Sum(m => m.KvBytes)),
            ("scratch", memory.Sum(m => m.ScratchBytes)),
            ("output", memory.Sum(m => m.OutputBytes)),
        }.Select(part => new Measurement<long>(part.Bytes, Telemetry.Of(g.Key), new("vai.memory.kind", part.Kind)));
    });

    // Two engines may have models of one name.
    private static IEnumerable<IGrouping<string, ModelContext>> ByName() => _models.GroupBy(m => m.Name, StringComparer.Ordinal);
}
