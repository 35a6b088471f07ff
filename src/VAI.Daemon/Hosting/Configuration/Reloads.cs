using Microsoft.Extensions.Logging;

namespace VAI.Daemon.Hosting.Configuration;

/// <summary>What is read again when the process is sent SIGHUP. What cannot be read leaves what there was. Thread-safe.</summary>
internal sealed class Reloads(ILogger log)
{
    private readonly Lock _gate = new();
    private readonly List<(string What, Action Read)> _all = [];

    /// <param name="what">As the log names it.</param>
    /// <param name="read">Reads it, and takes it up or throws.</param>
    public void Add(string what, Action read)
    {
        lock (_gate)
            _all.Add((what, read));
    }

    public void Run()
    {
        lock (_gate)
        {
            foreach ((string what, Action read) in _all)
            {
                try
                {
                    read();
                    log.ReadAgain(what);
                }
                catch (Exception e) when (e is VaiException or IOException or UnauthorizedAccessException)
                {
                    log.NotReadAgain(what, e.Message);
                }
            }
        }
    }
}
