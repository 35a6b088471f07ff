using VAI.Daemon.Access;
using VAI.Daemon.Hosting.Sockets;
using VAI.OptionRules;
using VAI.Sessions;

namespace VAI.Daemon.Api;

/// <summary>
/// The sessions that are saved under names: files in a directory of the daemon's, each owner's in one of its own; and those on their way from or to
/// a client. A client names no path. Thread-safe.
/// </summary>
internal sealed class SavedSessions : IDisposable
{
    /// <summary>Most sessions that one owner keeps.</summary>
    public const int MostOfOwner = 1024;

    private const int MaxName = 64;
    private const string Suffix = ".session";

    private readonly Lazy<string> _directory;
    private readonly Lazy<PassingPlace> _passing;

    /// <param name="directory">Made, with mode 0700, when it is first needed; null for a temporary one.</param>
    public SavedSessions(string? directory)
    {
        _directory = new Lazy<string>(() => Make(directory));
        _passing = new Lazy<PassingPlace>(() => NewPlace(_directory.Value));
    }

    /// <summary>Where they are if nobody says otherwise: with the state of this user's programs.</summary>
    public static string DefaultDirectory
    {
        get
        {
            string state = Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } given && Path.IsPathRooted(given)
                ? given
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state");
            return Path.Combine(state, "vai", "sessions");
        }
    }

    /// <summary>Makes the directory, if that was not done yet.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: it is not private; <see cref="VaiError.FileNotWritable"/>.</exception>
    public void Open() => _ = _passing.Value;

    /// <summary>Where to save a session under a name.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>, or <see cref="VaiError.Overloaded"/>: there are as many as one may keep.</exception>
    public string ToSave(Caller caller, string name)
    {
        string path = PathOf(caller, name);
        EntryKind there = Entry.KindOf(path);
        if (there == EntryKind.None && Names(caller).Count >= MostOfOwner)
            throw new VaiEngineException(VaiError.Overloaded, $"There are {MostOfOwner} saved sessions, which is the most. Delete some (DELETE /vai/saved/NAME).");
        if (there != EntryKind.None && !(there == EntryKind.File && SessionSeal.IsSession(path)))
            throw new VaiUsageException(VaiError.FileNotWritable, $"What is saved as '{name}' is no session, and is not replaced. Choose another name.");
        return path;
    }

    /// <summary>Where a session is that was saved under a name.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotFound"/>: there is none of that name.</exception>
    public string ToRestore(Caller caller, string name)
    {
        string path = PathOf(caller, name);
        return Entry.KindOf(path) == EntryKind.File ? path : throw None(name);
    }

    public IReadOnlyList<string> Names(Caller caller)
    {
        string place = Path.Combine(_directory.Value, caller.Owner.Replace(':', '-'));
        return Directory.Exists(place)
            ? [.. Directory.EnumerateFiles(place, "*" + Suffix).Select(f => Path.GetFileName(f)[..^Suffix.Length]).Order(StringComparer.Ordinal)]
            : [];
    }

    public void Delete(Caller caller, string name)
    {
        string path = ToRestore(caller, name);
        if (!SessionSeal.IsSession(path))
            throw None(name);
        File.Delete(path);
    }

    /// <summary>A file for a session that is on its way; whoever asked deletes it.</summary>
    public string NewPassing() => Path.Combine(_passing.Value.Path, $"{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (!_passing.IsValueCreated)
            return;
        try
        {
            _passing.Value.Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start removes it.
        }
    }

    private string PathOf(Caller caller, string name)
    {
        OptionCheck.Range(name.Length, 1, MaxName, "The length of a saved session's name");
        if (name[0] == '.' || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            throw OptionCheck.Invalid("The name of a saved session has letters, digits, and . _ - only, and does not begin with a point. It is no path.");
        string place = Path.Combine(_directory.Value, caller.Owner.Replace(':', '-'));
        PrivateDirectory.Ensure(place, "sessionsDir");
        return Path.Combine(place, name + Suffix);
    }

    private static string Make(string? directory)
    {
        if (directory is null)
            return Directory.CreateTempSubdirectory("vai-sessions-").FullName;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(directory)!);
            PrivateDirectory.Ensure(directory, "sessionsDir");

            // What an engine that was killed left.
            foreach (string place in Directory.EnumerateDirectories(directory).Where(d => Entry.KindOf(d) == EntryKind.Directory))
                SessionDraft.Sweep(place);
            return directory;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotBeMade(directory, e);
        }
    }

    private static PassingPlace NewPlace(string directory)
    {
        try
        {
            return PassingPlace.Make(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotBeMade(directory, e);
        }
    }

    private static VaiUsageException CannotBeMade(string directory, Exception e) => new(
        VaiError.FileNotWritable, $"sessionsDir: {directory} cannot be made ({e.Message}). Give another directory (--sessions-dir).", e);

    private static VaiUsageException None(string name) => new(VaiError.FileNotFound, $"There is no saved session '{name}'. See GET /vai/saved.");
}
