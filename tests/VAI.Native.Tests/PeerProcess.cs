using System.Diagnostics;

namespace VAI.Native.Tests;

/// <summary>A run of VAI.TestPeer, which the build put beside the tests; killed on disposal if it still runs.</summary>
internal sealed class PeerProcess : IDisposable
{
    private readonly Process _process;

    private PeerProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public static PeerProcess Start(params string[] arguments) => Start([], arguments);

    public static PeerProcess Start((string Name, string Value)[] environment, params string[] arguments) =>
        StartUnder([], environment, arguments);

    /// <summary>Starts it by a command that starts others, such as unshare(1).</summary>
    public static PeerProcess StartUnder(string[] wrapper, (string Name, string Value)[] environment, params string[] arguments)
    {
        string dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        string[] command = [.. wrapper, dotnet];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "VAI.TestPeer.dll"));
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return new PeerProcess(Process.Start(start) ?? throw new InvalidOperationException("The peer did not start."));
    }

    /// <summary>Waits until it says that it has what it holds.</summary>
    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException(await _process.StandardError.ReadToEndAsync());

    /// <summary>Says a line to it.</summary>
    public void Tell(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>What it still says until its end.</summary>
    public Task<string> ReadRestAsync() => _process.StandardOutput.ReadToEndAsync();

    public Task<string> ReadErrorAsync() => _process.StandardError.ReadToEndAsync();

    /// <summary>Lets it go on to its end.</summary>
    public async Task<int> EndAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }
}
