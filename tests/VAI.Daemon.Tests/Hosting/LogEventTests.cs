using System.Reflection;
using Microsoft.Extensions.Logging;
using VAI.Daemon.Hosting;

namespace VAI.Daemon.Tests.Hosting;

public sealed class LogEventTests
{
    [Fact]
    public void Each_log_message_has_an_event_id_of_its_own()
    {
        LoggerMessageAttribute[] messages =
        [
            .. new[] { typeof(IVai).Assembly, typeof(DaemonHost).Assembly }.SelectMany(a => a.GetTypes())
                .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
                .Select(m => m.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>(),
        ];
        Assert.True(messages.Length >= 20, $"{messages.Length} messages found");
        Assert.All(messages, m => Assert.InRange(m.EventId, 100, 399));
        int[] ids = [.. messages.Select(m => m.EventId)], twice = [.. ids.GroupBy(i => i).Where(g => g.Count() > 1).Select(g => g.Key)];
        Assert.True(twice.Length == 0, $"Given twice: {string.Join(", ", twice)}. Free are {string.Join(", ", twice.Select(i => Enumerable.Range(i, 300).Except(ids).First()))}.");
    }
}
