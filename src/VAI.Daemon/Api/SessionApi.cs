using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using VAI.Daemon.Access;
using VAI.Daemon.Streaming;
using VAI.OptionRules;
using VAI.Remote;
using VAI.Remote.Wire;
using VAI.Sessions;
using VAI.Text;

namespace VAI.Daemon.Api;

/// <summary>The requests about sessions, and the leases of their clients.</summary>
/// <param name="vai">Who answers.</param>
/// <param name="sessions">Where they are kept.</param>
/// <param name="access">What is known of those who use them.</param>
/// <param name="stopping">Ends leases.</param>
/// <param name="ending">Ends what runs, with an error.</param>
internal sealed class SessionApi(
    IVai vai, SessionTable sessions, ApiAccess access, CancellationToken stopping, CancellationToken ending = default)
{
    private const int Block = 1 << 20;

    public Task ListAsync(HttpContext context) =>
        ApiJson.WriteAsync(context, sessions.List(Caller.Of(context)), WireJson.Default.IReadOnlyListWireSessionInfo);

    public Task GetAsync(HttpContext context) => WithAsync(context, null, null, e => AnswerAsync(context, e.Id, e.Session!));

    public async Task DeleteAsync(HttpContext context)
    {
        string id = IdOf(context);
        if (!await sessions.RemoveAsync(id, Caller.Of(context)).ConfigureAwait(false))
            throw new VaiUsageException(VaiError.UnknownSession, $"There is no session '{id}' here: it is closed already.");
        access.Did(context, "closed session", id);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task OpenAsync(HttpContext context)
    {
        WireOpen open = await ApiJson.ReadAsync<WireOpen>(context).ConfigureAwait(false);
        await WithAsync(context, open, null, e => AnswerAsync(context, e.Id, e.Session!)).ConfigureAwait(false);
        access.Did(context, open.Saved is null ? "opened session" : "restored session", IdOf(context));
    }

    /// <summary>Opens a session from a file of the client's, which is the body.</summary>
    public async Task RestoreAsync(HttpContext context)
    {
        WireOpen open = ApiJson.Read<WireOpen>(context.Request.Headers[RemoteFile.OpenHeader].ToString());
        if (open.State is not null || open.Saved is not null)
            throw OptionCheck.Invalid("What a session is restored from is the body: give no \"state\" and no \"saved\".");
        string file = access.Saved.NewPassing();
        try
        {
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
                size.MaxRequestBodySize = access.MaxSessionBytes;
            FileStream to = SessionFile.NewPrivate(file);
            await using (to.ConfigureAwait(false))
                await context.Request.Body.CopyToAsync(to, context.RequestAborted).ConfigureAwait(false);
            await WithAsync(context, open with { File = file }, null, e => AnswerAsync(context, e.Id, e.Session!)).ConfigureAwait(false);
        }
        catch (VaiUsageException e) when (e.Message.StartsWith(file, StringComparison.Ordinal))
        {
            // The client knows no file of that name.
            throw new VaiUsageException(e.Code, RemoteFile.Sent + e.Message[file.Length..], e);
        }
        finally
        {
            File.Delete(file);
        }

        access.Did(context, "restored session", IdOf(context));
    }

    /// <summary>Saves a session under a name; without one, the answer is its file.</summary>
    public async Task SaveAsync(HttpContext context)
    {
        WireVerb request = await VerbOfAsync(context).ConfigureAwait(false);
        Caller caller = Caller.Of(context);
        string? name = request.Name;
        string file = name is null ? access.Saved.NewPassing() : access.Saved.ToSave(caller, name);
        try
        {
            await WithAsync(
                context, request.Open, request.At, e => e.Session!.SaveAsync(file, context.RequestAborted).AsTask()).ConfigureAwait(false);
            if (name is null)
                await SendAsync(context, file).ConfigureAwait(false);
            else
                context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        finally
        {
            if (name is null)
                File.Delete(file);
        }

        access.Did(context, "saved session", name is null ? IdOf(context) : $"{IdOf(context)} as {name}");
    }

    public Task SavedAsync(HttpContext context) =>
        ApiJson.WriteAsync(context, new WireSaved(access.Saved.Names(Caller.Of(context))), WireJson.Default.WireSaved);

    public Task DeleteSavedAsync(HttpContext context)
    {
        access.Saved.Delete(Caller.Of(context), IdOf(context));
        access.Did(context, "deleted saved session", IdOf(context));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    public async Task InferAsync(HttpContext context)
    {
        WireInfer request = await ApiJson.ReadAsync<WireInfer>(context).ConfigureAwait(false);
        if (request.Text is null == request.Tokens is null)
            throw OptionCheck.Invalid("Give the prompt as \"text\" or as \"tokens\".");
        if (request.Generated is { Count: > 0 } && request.Options?.Seed is null)
            throw OptionCheck.Invalid("What is resumed needs the \"seed\" that it began with, in its options.");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, ending);
        try
        {
            SessionEntry entry = await StreamPatience.Of(context).WhileAsync(
                TakeAsync(context, request.Open, request.At, either.Token).AsTask()).ConfigureAwait(false);
            try
            {
                await InferAsync(context, entry, request, either.Token).ConfigureAwait(false);
            }
            finally
            {
                entry.Release();
            }
        }
        catch (OperationCanceledException e) when (ending.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            throw new VaiEngineException(
                VaiError.DaemonUnavailable, "The daemon is stopping, and did not wait for the end of this. Send it again once it is started again.", e);
        }
    }

    public async Task ForkAsync(HttpContext context)
    {
        WireFork request = await ApiJson.ReadAsync<WireFork>(context).ConfigureAwait(false);
        string id = ApiJson.Needed(request.Child, "child");
        await WithAsync(
            context,
            request.Open,
            request.At,
            async e =>
            {
                if (id == e.Id)
                    throw OptionCheck.Invalid("A session cannot be its own child. Choose another id.");
                IInferenceSession child = await e.Session!.ForkAsync(request.Options, context.RequestAborted).ConfigureAwait(false);
                await sessions.AddAsync(id, e.Client, child, Caller.Of(context)).ConfigureAwait(false);
                await AnswerAsync(context, id, child).ConfigureAwait(false);
            }).ConfigureAwait(false);
    }

    public async Task VerbAsync(HttpContext context, Func<IInferenceSession, CancellationToken, ValueTask> verb)
    {
        WireVerb request = await VerbOfAsync(context).ConfigureAwait(false);
        if (request.Name is not null)
            throw OptionCheck.Invalid("Only what is saved has a \"name\". Leave it out.");
        await WithAsync(context, request.Open, request.At, async e =>
        {
            await verb(e.Session!, context.RequestAborted).ConfigureAwait(false);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }).ConfigureAwait(false);
    }

    /// <summary>Stays open for as long as the client is there.</summary>
    public async Task LeaseAsync(HttpContext context)
    {
        using IDisposable lease = sessions.Lease(IdOf(context), Caller.Of(context));
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, sessions.Closing, stopping);
        end.Token.ThrowIfCancellationRequested();
        EventWriter.Head(context.Response);
        context.Response.BodyWriter.Write(": held\n\n"u8);
        await context.Response.BodyWriter.FlushAsync(end.Token).ConfigureAwait(false);
        await Task.Delay(Timeout.Infinite, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async Task LeaveAsync(HttpContext context)
    {
        await sessions.LeaveAsync(IdOf(context), Caller.Of(context)).ConfigureAwait(false);
        access.Did(context, "closed the sessions of client", IdOf(context));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task InferAsync(HttpContext context, SessionEntry entry, WireInfer request, CancellationToken cancellationToken)
    {
        var session = (IResumableSession)entry.Session!;
        InferenceOptions options = request.Options ?? new InferenceOptions();
        bool tell = request.Text is not null;
        int[] prompt = request.Text is { } text
            ? await StreamPatience.Of(context).WhileAsync(session.PromptOfAsync(new TextPrompt(text, request.Flips), cancellationToken).AsTask()).ConfigureAwait(false)
            : [.. request.Tokens!];
        int[] generated = [.. request.Generated ?? []];
        InferenceResult? result = null;
        entry.Begin();
        using var writer = new EventWriter(context);
        try
        {
            IAsyncEnumerator<InferenceUpdate> reader =
                session.ResumeAsync(prompt, generated, options, cancellationToken).GetAsyncEnumerator(CancellationToken.None);
            await using (reader.ConfigureAwait(false))
            {
                bool open = false;
                while (open
                    ? await reader.MoveNextAsync().ConfigureAwait(false)
                    : await StreamPatience.Of(context).WhileAsync(reader.MoveNextAsync().AsTask()).ConfigureAwait(false))
                {
                    if (!open)
                    {
                        EventWriter.Head(context.Response);
                        if (tell)
                            EventWriter.Write(context.Response.BodyWriter, new WireUpdate(prompt), WireJson.Default.WireUpdate);
                        open = true;
                    }

                    InferenceUpdate update = reader.Current;
                    if (update.Result is null)
                        entry.Count();
                    result = update.Result;
                    await writer.SendAsync(update).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            sessions.Generated(session.Model.Name, entry.End(result));
        }
    }

    private static async Task<WireVerb> VerbOfAsync(HttpContext context) =>

        // Nothing has to be said.
        context.Request.ContentLength is null or 0 && !context.Request.Headers.TransferEncoding.Any()
            ? new WireVerb(null, null, null)
            : await ApiJson.ReadAsync<WireVerb>(context).ConfigureAwait(false);

    private static async Task SendAsync(HttpContext context, string file)
    {
        var from = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, Block, FileOptions.Asynchronous | FileOptions.SequentialScan);
        await using (from.ConfigureAwait(false))
        {
            context.Response.ContentType = RemoteFile.ContentType;
            context.Response.ContentLength = from.Length;
            await from.CopyToAsync(context.Response.Body, Block, context.RequestAborted).ConfigureAwait(false);
        }
    }

    private async Task WithAsync(HttpContext context, WireOpen? open, int? at, Func<SessionEntry, Task> act)
    {
        SessionEntry entry = await TakeAsync(context, open, at, context.RequestAborted).ConfigureAwait(false);
        try
        {
            await act(entry).ConfigureAwait(false);
        }
        finally
        {
            entry.Release();
        }
    }

    /// <summary>The session that the request names, for whoever asks: it is there only for who may have it.</summary>
    private ValueTask<SessionEntry> TakeAsync(HttpContext context, WireOpen? open, int? at, CancellationToken cancellationToken)
    {
        Caller caller = Caller.Of(context);
        if (open?.Saved is { } saved)
        {
            if (open.State is not null)
                throw OptionCheck.Invalid("A session is opened from a \"state\" or from what is \"saved\", not from both.");
            open = open with { File = access.Saved.ToRestore(caller, saved) };
        }

        return sessions.TakeAsync(vai, IdOf(context), open, at, cancellationToken, caller);
    }

    private static Task AnswerAsync(HttpContext context, string id, IInferenceSession session) => ApiJson.WriteAsync(
        context, new WireSession(id, session.Model.Name, ((IResumableSession)session).State), WireJson.Default.WireSession);

    private static string IdOf(HttpContext context) => (string)context.Request.RouteValues["id"]!;
}
