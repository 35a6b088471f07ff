using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace VAI.Browser.Tests;

/// <summary>A web site, under whatever name it is asked for, with one page that tries things at a daemon and tells what came of them.</summary>
internal sealed class Site : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource<JsonElement> _told = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Site(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>What the page told.</summary>
    public Task<JsonElement> Told => _told.Task;

    /// <summary>Serves a page with that script, whose last expression is a promise of what it tells.</summary>
    public static async Task<Site> StartAsync(string script)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        WebApplication app = builder.Build();
        var site = new Site(app);
        app.Run(async context =>
        {
            if (context.Request.Path == "/told")
            {
                using JsonDocument told = await JsonDocument.ParseAsync(context.Request.Body);
                site._told.TrySetResult(told.RootElement.Clone());
                return;
            }

            context.Response.ContentType = "text/html";
            await context.Response.WriteAsync($"<!doctype html><body><script>\n{Frame}\n(async () => {{ {script} }})().then(tell, e => tell({{ failed: String(e) }}));\n</script>");
        });
        await app.StartAsync();
        return site;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    // What became of a request, as far as a page may know.
    private const string Frame = """
        const tell = what => fetch('/told', { method: 'POST', body: JSON.stringify(what) });
        const ask = async (url, options) => {
          try {
            const answer = await fetch(url, options);
            return answer.type == 'opaque' ? 'sent' : answer.status + ' ' + answer.headers.get('x-request-id') + ' ' + (await answer.text());
          } catch (e) { return 'refused'; }
        };
        const json = (method, body) => ({ method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
        const blind = (method, body) => ({ method, mode: 'no-cors', body });
        const events = url => new Promise(done => {
          const source = new EventSource(url);
          source.onopen = () => { done('open'); source.close(); };
          source.onerror = () => { done('refused'); source.close(); };
        });
        const form = (url, name, value, type) => new Promise(done => {
          const frame = document.createElement('iframe');
          frame.name = 'f' + Math.random();
          document.body.append(frame);
          const form = document.createElement('form');
          Object.assign(form, { action: url, method: 'post', enctype: type, target: frame.name });
          const input = document.createElement('input');
          Object.assign(input, { name, value });
          form.append(input);
          document.body.append(form);
          frame.onload = () => done('sent');
          form.submit();
        });
        const image = url => new Promise(done => {
          const image = new Image();
          image.onload = image.onerror = () => done('sent');
          image.src = url;
        });
        """;
}
