using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Access;

/// <summary>What a key is for.</summary>
internal enum KeyRole
{
    /// <summary>The models.</summary>
    Use,

    /// <summary>VAI's own API too, and everybody's sessions.</summary>
    Admin,
}

/// <summary>A key, of which only the hash is kept.</summary>
/// <param name="Hash">SHA-256.</param>
/// <param name="Id">What it is called in the log; not secret.</param>
/// <param name="Role">What it is for.</param>
internal sealed record ApiKey(byte[] Hash, string Id, KeyRole Role);

/// <summary>The API keys of a file.</summary>
internal sealed class ApiKeys
{
    private const int MaxFileBytes = 1 << 20;
    private const int MaxKeyBytes = 4096;
    private const int MaxIdLength = 64;
    private const UnixFileMode World = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private readonly ApiKey[] _keys;

    private ApiKeys(ApiKey[] keys) => _keys = keys;

    public int Count => _keys.Length;

    /// <summary>Whether there is one of role admin.</summary>
    public bool HasAdmin => _keys.Any(k => k.Role == KeyRole.Admin);

    /// <summary>
    /// Reads a file of one key a line: <c>KEY</c> alone, which is of role use and has the beginning of its hash as id, or <c>ID ROLE KEY</c>
    /// with blanks between. Empty lines and those that begin with # are skipped.
    /// </summary>
    /// <param name="path">The file: not readable or writable by everybody, at most 1 MiB.</param>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.FileNotFound"/>, <see cref="VaiError.FileNotReadable"/> or <see cref="VaiError.InvalidOption"/>.
    /// </exception>
    public static ApiKeys Read(string path)
    {
        if (!File.Exists(path))
            throw new VaiUsageException(VaiError.FileNotFound, $"There is no API key file '{path}'. Write one, a key a line.");
        string[] lines;
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & World) != 0)
                throw Invalid(path, $"is open to everybody. Take that away: chmod 600 '{path}'.");
            if (new FileInfo(path).Length > MaxFileBytes)
                throw Invalid(path, "is larger than 1 MiB. Give a file of a key a line.");
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"The API key file '{path}' cannot be read: {e.Message}", e);
        }

        string[] texts = [.. lines.Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#')];
        if (texts.Length == 0)
            throw Invalid(path, "has no keys. Write one, a key a line.");
        ApiKey[] keys = [.. texts.Select((t, i) => Parse(path, i + 1, t))];
        if (keys.GroupBy(k => Convert.ToHexString(k.Hash)).FirstOrDefault(g => g.Distinct(Same.Instance).Count() > 1) is { } twice)
            throw Invalid(path, $"has a key twice, as '{twice.First().Id}' and as '{twice.Last().Id}'. Leave one out.");
        return keys.GroupBy(k => k.Id, StringComparer.Ordinal).FirstOrDefault(g => g.Select(k => k.Role).Distinct().Count() > 1) is { } roles
            ? throw Invalid(path, $"gives '{roles.Key}' two roles. Give each id one.")
            : new ApiKeys(keys);
    }

    /// <summary>The key of the request; null if it has none or one that is not ours.</summary>
    public ApiKey? Accepted(HttpRequest request)
    {
        if (Given(request) is not { Length: > 0 and <= MaxKeyBytes } text)
            return null;
        byte[] hash = Hash(text);
        ApiKey? accepted = null;
        foreach (ApiKey key in _keys)
            accepted = CryptographicOperations.FixedTimeEquals(hash, key.Hash) ? key : accepted;
        return accepted;
    }

    private static ApiKey Parse(string path, int number, string line)
    {
        string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        string key = words[^1];
        if (words.Length is not (1 or 3) || key.Length > MaxKeyBytes || key.Any(c => c is <= ' ' or > '~'))
        {
            throw Invalid(
                path, $"has no key in line {number} of those that count: Key {number} must be 1 to {MaxKeyBytes} printable ASCII characters without spaces, "
                + "alone or behind an id and a role (ID ROLE KEY).");
        }

        byte[] hash = Hash(key);
        if (words.Length == 1)
            return new ApiKey(hash, Convert.ToHexStringLower(hash.AsSpan(0, 4)), KeyRole.Use);
        if (words[0].Length > MaxIdLength || !words[0].All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            throw Invalid(path, $"has an id that cannot be one, of Key {number}: it must be 1 to {MaxIdLength} letters, digits and . _ -.");
        return new ApiKey(hash, words[0], words[1] switch
        {
            "use" => KeyRole.Use,
            "admin" => KeyRole.Admin,
            _ => throw Invalid(path, $"has an unknown role, of Key {number}: it must be use or admin."),
        });
    }

    private static VaiUsageException Invalid(string path, string what) => new(VaiError.InvalidOption, $"The API key file '{path}' {what}");

    private static string? Given(HttpRequest request)
    {
        const string bearer = "Bearer ";
        string? value = request.Headers.Authorization;
        return value is not null && value.StartsWith(bearer, StringComparison.OrdinalIgnoreCase)
            ? value[bearer.Length..].Trim()
            : (string?)request.Headers["X-API-Key"];
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private sealed class Same : IEqualityComparer<ApiKey>
    {
        public static Same Instance { get; } = new();

        public bool Equals(ApiKey? x, ApiKey? y) => (x?.Id, x?.Role) == (y?.Id, y?.Role);

        public int GetHashCode(ApiKey obj) => HashCode.Combine(obj.Id, obj.Role);
    }
}
