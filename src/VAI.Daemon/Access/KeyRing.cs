using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace VAI.Daemon.Access;

/// <summary>
/// The keys of a file as it is now: it is looked at with each request, and read again when it has changed. One that cannot be read leaves
/// the keys as they were. Thread-safe.
/// </summary>
internal sealed class KeyRing
{
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly ILogger _log;
    private volatile ApiKeys _keys;
    private (DateTime Written, long Length) _seen;

    /// <exception cref="VaiUsageException">As <see cref="ApiKeys.Read"/>.</exception>
    public KeyRing(string path, ILogger log)
    {
        (_path, _log) = (path, log);
        _seen = Look();
        _keys = ApiKeys.Read(path);
    }

    public bool HasAdmin => _keys.HasAdmin;

    /// <summary>The key of the request; null if it has none or one that is not in the file.</summary>
    public ApiKey? Accepted(HttpRequest request)
    {
        if (Look() != _seen)
            Read();
        return _keys.Accepted(request);
    }

    /// <summary>Reads the file again.</summary>
    public void Read()
    {
        lock (_gate)
        {
            // Looked at before it is read: what is written in between is seen next time.
            _seen = Look();
            try
            {
                _keys = ApiKeys.Read(_path);
                _log.KeysRead(_path, _keys.Count);
            }
            catch (VaiUsageException e)
            {
                _log.KeysNotRead(e.Message);
            }
        }
    }

    // What a link leads to, which is how secrets are mounted.
    private (DateTime Written, long Length) Look()
    {
        try
        {
            var file = new FileInfo(_path);
            return file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target
                ? (target.LastWriteTimeUtc, target.Length)
                : (file.LastWriteTimeUtc, file.Exists ? file.Length : -1);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }
}
