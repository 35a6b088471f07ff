using VAI.Sessions;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>load-ready DIR CELLS FILE...</c>: loads side by side those of the files that have a ROM, as an engine that takes over does, then the others one after the
/// other. Prints how many were there after the first, and the code of each error of the second.
/// </summary>
internal static class LoadReady
{
    public static int Run(string directory, int cells, string[] files)
    {
        using IVai vai = Vai.Create(new VaiOptions { RomDirectory = directory, Threads = 1 });
        ModelOptions[] models =
        [
            .. files.Select((f, i) => new ModelOptions
            {
                Name = $"m{i}", File = f, Profile = RomProfile.Exact, ContextLength = Math.Min(cells, 1000), SramTokens = cells, MaxSessions = 32,
            }),
        ];
        ((IPreparable)vai).LoadReadyAsync(models, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        string said = $"{vai.Models.Count}";
        foreach (ModelOptions model in models.Where(m => vai.Models.All(there => there.Name != m.Name)))
        {
            try
            {
                vai.LoadAsync(model).AsTask().GetAwaiter().GetResult();
            }
            catch (VaiException e)
            {
                said += $" {e.Code}";
            }
        }

        Console.WriteLine(said);
        return ExitCodes.Done;
    }
}
