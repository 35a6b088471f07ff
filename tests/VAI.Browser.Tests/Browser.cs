using System.Diagnostics;

namespace VAI.Browser.Tests;

/// <summary>Debian's Chromium, without a window. All names of <c>.example</c> lead to this machine.</summary>
/// <remarks><c>VAI_TEST_CHROMIUM</c> names another one.</remarks>
internal sealed class Browser : IAsyncDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _profile;
    private readonly Task<string> _output;
    private readonly Task<string> _error;

    private Browser(Process process, DirectoryInfo profile)
    {
        (_process, _profile) = (process, profile);
        _output = process.StandardOutput.ReadToEndAsync();
        _error = process.StandardError.ReadToEndAsync();
    }

    public Task Exited => _process.WaitForExitAsync();

    /// <summary>What it has said, once it has ended.</summary>
    public async Task<string> SaidAsync() => await _output + await _error;

    /// <summary>Opens a page.</summary>
    public static Browser Open(string url, params string[] more)
    {
        DirectoryInfo profile = Directory.CreateTempSubdirectory("vai-browser-");
        string program = Environment.GetEnvironmentVariable("VAI_TEST_CHROMIUM") is { Length: > 0 } given ? given : "/usr/bin/chromium";
        string[] line =
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            "--host-resolver-rules=MAP *.example 127.0.0.1", "--user-data-dir=" + profile.FullName, .. more, url,
        ];
        var start = new ProcessStartInfo(program, line) { RedirectStandardOutput = true, RedirectStandardError = true };
        return new Browser(Process.Start(start)!, profile);
    }

    /// <summary>What a page came to, as HTML.</summary>
    public static async Task<string> DumpAsync(string url)
    {
        await using Browser browser = Open(url, "--dump-dom");
        await browser.Exited;
        return await browser._output;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await Exited;
        await _error;
        _process.Dispose();
        try
        {
            _profile.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A child of the browser still writes there.
        }
    }
}
