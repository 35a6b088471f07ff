using System.Diagnostics;
using System.Globalization;
using VAI.TestPeer;

namespace VAI.Daemon.FaultTests;

/// <summary>The test peer's <c>stream-kills</c>: clients of a daemon that are processes, and are killed.</summary>
internal sealed class StreamKills : IDisposable
{
    private readonly Process _process;

    private StreamKills(Process process) => _process = process;

    /// <param name="socket">The daemon's.</param>
    /// <param name="path">What is asked.</param>
    /// <param name="body">With what; <c>@@@@@@</c> stands for the client's number.</param>
    public static async Task<StreamKills> StartAsync(string socket, string path, string body)
    {
        var start = new ProcessStartInfo(DaemonProcess.DotNet) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach ((string name, string value) in Zygote.Environment)
            start.Environment[name] = value;
        string request = $"POST {path} HTTP/1.1\r\nHost: vai\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        foreach (string argument in (string[])[Path.Combine(AppContext.BaseDirectory, "VAI.TestPeer.dll"), "stream-kills", socket, request])
            start.ArgumentList.Add(argument);
        var kills = new StreamKills(Process.Start(start)!);
        Assert.Equal("ready", await kills._process.StandardOutput.ReadLineAsync());
        return kills;
    }

    /// <summary>Starts a client for each number, kills them all when each has had so many events.</summary>
    /// <returns>When they were killed, and when the kernel had ended them all: each closes its socket in between.</returns>
    public async Task<(long Killed, long Dead)> KillAsync(IEnumerable<int> events)
    {
        await _process.StandardInput.WriteLineAsync(string.Join(' ', events));
        await _process.StandardInput.FlushAsync();
        string? killed = await _process.StandardOutput.ReadLineAsync();
        Assert.True(killed is not null, "A client ended before it was killed.");
        string[] times = killed.Split(' ');
        return (long.Parse(times[0], CultureInfo.InvariantCulture), long.Parse(times[1], CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.Dispose();
    }
}
