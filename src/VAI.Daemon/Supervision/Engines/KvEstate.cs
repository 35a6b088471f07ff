using System.Globalization;
using VAI.Daemon.Hosting.Sockets;
using VAI.Sram;

namespace VAI.Daemon.Supervision.Engines;

/// <summary>
/// The copies of KV that engine processes keep in shared memory: each in a directory of its own, which the next one inherits. Nothing
/// of them is read here.
/// </summary>
/// <param name="root">A directory that belongs to this daemon alone; what an earlier one has left there is of no use.</param>
internal sealed class KvEstate(string root) : IDisposable
{
    // Of sessions that nobody has asked for since: their clients may be thinking, or gone.
    private const int Generations = 3;

    /// <summary>Its name in a ROM directory.</summary>
    public const string DirectoryName = ".vai-kv";

    /// <summary>Where the engine process of that number keeps its copies.</summary>
    public string Of(int worker) => Path.Combine(root, worker.ToString(CultureInfo.InvariantCulture));

    /// <summary>Makes the directory anew.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it holds what VAI did not make.</exception>
    public void Clear() => MadeDirectory.Renew(root, "romDir", IsOurs);

    /// <summary>Makes it again, or marks what engine processes have made, where somebody took it away.</summary>
    /// <inheritdoc cref="Clear" path="/exception"/>
    public void Claim() => MadeDirectory.Claim(root, "romDir", IsOurs);

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

    public void Dispose() => MadeDirectory.Remove(root, IsOurs);

    private static bool IsOurs(string name, EntryKind kind) => kind switch
    {
        EntryKind.Directory => Path.GetFileName(name) == KvStashDirectory.Inherited || int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _),
        EntryKind.File => name.Contains('/') && name.EndsWith(KvStashFile.Suffix, StringComparison.Ordinal),
        _ => false,
    };
}
