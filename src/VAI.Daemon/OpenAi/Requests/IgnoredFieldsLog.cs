using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace VAI.Daemon.OpenAi.Requests;

/// <summary>Says in the log, once for each, which fields of requests have no effect. Thread-safe.</summary>
internal sealed partial class IgnoredFieldsLog
{
    // Names come from clients: they are not to fill memory or the log.
    private const int Most = 256;

    private readonly HashSet<string> _said = new(StringComparer.Ordinal);

    public void Say(ILogger? log, IgnoredFields ignored)
    {
        foreach (string place in ignored.Names)
        {
            // The same field of another message is the same.
            string field = Index().Replace(place, "[]");
            bool first;
            lock (_said)
                first = _said.Count < Most && _said.Add(field);
            if (first && log is not null)
                FieldIgnored(log, field);
        }
    }

    [LoggerMessage(
        EventId = 331, Level = LogLevel.Information,
        Message = "Requests have a field '{Field}', which is ignored. This is said once; --strict refuses what is not known.")]
    private static partial void FieldIgnored(ILogger log, string field);

    [GeneratedRegex(@"\[\d+\]")]
    private static partial Regex Index();
}
