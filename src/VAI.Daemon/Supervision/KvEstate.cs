using System.Globalization;
using VAI.Sram;

namespace VAI.Daemon.Supervision;

/// <summary>
/// The copies of KV that engine processes keep in shared memory: each in a directory of its own, which the next one inherits. Nothing
/// of them is read here.
/// </summary>
/// <param name="root">A directory that belongs to this daemon alone; what an earlier one has left there is of no use.</param>
internal sealed class KvEstate(string root) : IDisposable
{
    // Of sessions that nobody has asked for since: their clients may be thinking, or gone.
    private const int Generations = 3;

    /// <summary>Where the engine process of that number keeps its copies.</summary>
    public string Of(int worker) => Path.Combine(root, worker.ToString(CultureInfo.InvariantCulture));

    /// <summary>Makes the directory anew.</summary>
    public void Clear()
    {
        if (Directory.Exists(root))
            Directory.Delete(root, recursive: true);
        Directory.CreateDirectory(root);
    }

    /// <summary>Leaves what dead engine processes had to another, before it serves.</summary>
    public void Leave(int heir)
    {
        string to = Path.Combine(Of(heir), KvStashDirectory.Inherited);
        foreach (string directory in Directory.EnumerateDirectories(root).ToArray())
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out int worker) || worker >= heir)
                continue;
            Directory.CreateDirectory(to);
            foreach (string file in Directory.EnumerateFiles(directory, "*" + KvStashFile.Suffix, SearchOption.AllDirectories))
            {
                string name = Path.GetFileName(file);
                if (int.TryParse(name.AsSpan(0, Math.Max(0, name.IndexOf('-'))), CultureInfo.InvariantCulture, out int maker) && maker + Generations >= heir)
                    File.Move(file, Path.Combine(to, name), overwrite: true);
            }

            Directory.Delete(directory, recursive: true);
        }
    }

    public void Dispose()
    {
        if (Directory.Exists(root))
            Directory.Delete(root, recursive: true);
    }
}
