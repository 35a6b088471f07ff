using System.Globalization;
using VAI.Native.Registry.Entries;
using VAI.Native.Rom;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>rom-churn DIR NAME OWN SHARED SEED</c>: prints <c>ready</c>; for each line it is told, opens the directory, burns its own model and one
/// that others burn as well, evicts what chance says, and prints the names it left, each with its image's id. Ends with its input.
/// </summary>
internal static class RomChurn
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    public static int Run(string directory, string name, string own, string shared, int seed)
    {
        var random = new Random(seed);
        _ = RomBuild.Current;
        Console.WriteLine("ready");
        while (Console.ReadLine() is not null)
        {
            using RomStore store = RomStore.Open(directory);
            Round(store, [(name, own), ($"{name}-shared", shared)], random);
            IEnumerable<string> left = store.Registry.ReadAll().Select(e => e.Entry)
                .Where(e => e.Name == name || e.Name == $"{name}-shared").Select(e => $"{e.Name}={e.RomId}").Order(StringComparer.Ordinal);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{string.Join(' ', left)}|{_refused}"));
        }

        return ExitCodes.Done;
    }

    // What each name must come to is known: this process alone gives it.
    private static void Round(RomStore store, (string Name, string File)[] models, Random random)
    {
        foreach ((string name, string file) in models)
        {
            RegistryEntry? entry = null;
            for (int i = 0; i < 2; i++)
            {
                if (random.Next(4) == 0)
                    RomStore.Open(store.Directory.Path).Dispose();
                entry = Try(() => store.Burn(new RomBurnRequest(file, name, RomProfile.Exact, Deadline), rename: true, null, CancellationToken.None).Entry);
                if (entry is { } burned && random.Next(2) == 0)
                    Try(() => store.Hold(burned, Deadline, CancellationToken.None))?.Dispose();
                if (random.Next(2) == 0)
                {
                    if (Try(() => store.Evict(name, force: true, null, CancellationToken.None)) is not null)
                        entry = null;
                }
            }

            RegistryEntry? now = store.Registry.ReadAll().Select(e => (RegistryEntry?)e.Entry).FirstOrDefault(e => e!.Value.Name == name);
            if (now?.RomId != entry?.RomId && _refusedNow == 0)
                throw new InvalidOperationException($"'{name}' should be {entry?.RomId ?? "gone"} and is {now?.RomId ?? "gone"} ({now?.State})");
            _refusedNow = 0;
        }
    }

    // Another evicts the same image at this moment: that is said, and no harm.
    private static T? Try<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (VaiUsageException e) when (e.Code is VaiError.RomNotBurned or VaiError.RomInUse)
        {
            _refused++;
            _refusedNow++;
            return default;
        }
    }

    private static int _refused;
    private static int _refusedNow;
}
