using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace VAI.Daemon.Admission;

/// <summary>The API keys of a file; only their hashes are kept.</summary>
internal sealed class ApiKeys
{
    private const int MaxFileBytes = 1 << 20;
    private const int MaxKeyBytes = 4096;
    private const UnixFileMode World = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private readonly byte[][] _hashes;

    private ApiKeys(byte[][] hashes) => _hashes = hashes;

    /// <summary>Reads a file of one key a line; empty lines and those that begin with # are skipped.</summary>
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
            {
                throw new VaiUsageException(
                    VaiError.InvalidOption, $"The API key file '{path}' is open to everybody. Take that away: chmod 600 '{path}'.");
            }

            if (new FileInfo(path).Length > MaxFileBytes)
                throw new VaiUsageException(VaiError.InvalidOption, $"The API key file '{path}' is larger than 1 MiB. Give a file of a key a line.");
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new VaiUsageException(VaiError.FileNotReadable, $"The API key file '{path}' cannot be read: {e.Message}", e);
        }

        string[] keys = [.. lines.Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#')];
        if (keys.Length == 0)
            throw new VaiUsageException(VaiError.InvalidOption, $"The API key file '{path}' has no keys. Write one, a key a line.");
        int odd = Array.FindIndex(keys, k => k.Any(c => c is <= ' ' or > '~') || k.Length > MaxKeyBytes);
        return odd < 0
            ? new ApiKeys([.. keys.Select(Hash)])
            : throw new VaiUsageException(
                VaiError.InvalidOption, $"Key {odd + 1} in the API key file '{path}' is not 1 to {MaxKeyBytes} printable ASCII characters without spaces.");
    }

    /// <summary>The hash of the request's key, in hexadecimal; null if it has none or one that is not ours.</summary>
    public string? Accepted(HttpRequest request)
    {
        if (Given(request) is not { Length: > 0 and <= MaxKeyBytes } key)
            return null;
        byte[] hash = Hash(key);
        int matches = 0;
        foreach (byte[] known in _hashes)
            matches |= CryptographicOperations.FixedTimeEquals(hash, known) ? 1 : 0;
        return matches != 0 ? Convert.ToHexStringLower(hash.AsSpan(0, 16)) : null;
    }

    private static string? Given(HttpRequest request)
    {
        const string bearer = "Bearer ";
        string? value = request.Headers.Authorization;
        return value is not null && value.StartsWith(bearer, StringComparison.OrdinalIgnoreCase)
            ? value[bearer.Length..].Trim()
            : (string?)request.Headers["X-API-Key"];
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
