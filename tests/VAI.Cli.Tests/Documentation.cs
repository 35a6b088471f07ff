using System.Text;

namespace VAI.Cli.Tests;

/// <summary>
/// The commands of a page: lines that begin with "$ " in its blocks of <c>console</c> (in the README, in indented blocks), and the files that
/// it shows, which are blocks with a name behind the language. A block whose first line is <see cref="Mark"/> and a reason is left out.
/// </summary>
internal sealed class Documentation
{
    public const string Mark = "# not run by the tests: ";

    private readonly StringBuilder _script = new();

    private Documentation()
    {
    }

    public static string Root { get; } = FindRoot();

    public int Commands { get; private set; }

    /// <summary>The reasons for blocks that are left out.</summary>
    public List<string> Reasons { get; } = [];

    public string Script => _script.ToString();

    public static Documentation Read(string page)
    {
        var documentation = new Documentation();
        string? info = null;
        List<string> block = [];
        foreach (string line in File.ReadLines(Path.Combine(Root, page)))
        {
            if (info is null && !line.StartsWith("```", StringComparison.Ordinal))
            {
                documentation.Indented(line, block);
                continue;
            }

            if (!line.StartsWith("```", StringComparison.Ordinal))
            {
                block.Add(line);
            }
            else if (info is null)
            {
                info = line[3..].Trim();
            }
            else
            {
                documentation.Take(info, block);
                (info, block) = (null, []);
            }
        }

        Assert.Null(info);
        return documentation;
    }

    /// <summary>Runs the page's commands in a directory, with this <c>vai</c> on the path, small models, and a port that is free.</summary>
    public async Task<VaiRun> RunAsync(string directory, params (string Name, string Value)[] environment)
    {
        string bin = Directory.CreateTempSubdirectory("vai-docs-bin-").FullName;
        try
        {
            string vai = Path.Combine(bin, "vai");
            await File.WriteAllTextAsync(vai, $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "vai.dll")}' \"$@\"\n");
            if (OperatingSystem.IsLinux())
                File.SetUnixFileMode(vai, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            string script = Script
                .Replace("forge small", "forge tiny", StringComparison.Ordinal)
                .Replace("127.0.0.1:8080", $"127.0.0.1:{Loopback.FreePort()}", StringComparison.Ordinal);
            return await Shell.RunAsync(
                directory, script,
                [
                    ("PATH", $"{bin}:{Environment.GetEnvironmentVariable("PATH")}"), ("VAI_ROM_DIR", VaiProcess.NewRomDirectory()),
                    ("VAI_SOCKET", Path.Combine(bin, "s", "vai.sock")), .. environment,
                ]);
        }
        finally
        {
            Directory.Delete(bin, recursive: true);
        }
    }

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "VAI.sln")))
            directory = Path.GetDirectoryName(directory);
        return directory ?? throw new DirectoryNotFoundException($"VAI.sln is not above {AppContext.BaseDirectory}.");
    }

    // A block that is indented ends with the first line that is not.
    private void Indented(string line, List<string> block)
    {
        if (line.StartsWith("    ", StringComparison.Ordinal))
        {
            block.Add(line[4..]);
            return;
        }

        Take("console", block);
        block.Clear();
    }

    private void Take(string info, List<string> block)
    {
        string[] words = info.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 2)
        {
            _script.Append("cat > ").Append(words[1]).Append(" <<'END-OF-FILE'\n").AppendJoin('\n', block).Append("\nEND-OF-FILE\n");
        }
        else if (words is ["console"] && block is [var first, ..] && first.StartsWith(Mark, StringComparison.Ordinal))
        {
            Reasons.Add(first[Mark.Length..]);
        }
        else if (words is ["console"])
        {
            bool goesOn = false;
            foreach (string line in block.Where(l => goesOn || l.StartsWith("$ ", StringComparison.Ordinal)))
            {
                Commands += goesOn ? 0 : 1;
                _script.Append(goesOn ? line : line[2..]).Append('\n');
                goesOn = line.EndsWith('\\');
            }
        }
    }
}
