using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using VAI.OptionRules;
using VAI.Remote.Wire;
using VAI.Residency;
using VAI.Sessions;

namespace VAI.Daemon.Api;

/// <summary>The requests about models.</summary>
internal sealed class ModelApi(IVai vai, ApiAccess access)
{
    public async Task DevicesAsync(HttpContext context) => await ApiJson.WriteAsync(
        context, await vai.DevicesAsync(context.RequestAborted).ConfigureAwait(false), WireJson.Default.IReadOnlyListComputeDevice).ConfigureAwait(false);

    public Task ListAsync(HttpContext context) =>
        ApiJson.WriteAsync(context, [.. vai.Models.Select(Describe)], WireJson.Default.IReadOnlyListWireModel);

    public async Task LoadAsync(HttpContext context)
    {
        WireModelRequest request = await ApiJson.ReadAsync<WireModelRequest>(context).ConfigureAwait(false);
        if (request.Model is not null)
            ApiAccess.CheckFiles(context);
        var phases = Channel.CreateBounded<LoadProgress>(
            new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        Task<ModelHandle> load = LoadAsync(request, new Reporter(phases.Writer), context.RequestAborted);
        _ = load.ContinueWith(
            _ => phases.Writer.TryComplete(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        LoadProgress? held = null;
        await foreach (LoadProgress p in phases.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            // A file that does not pass is an error with a status of its own, so that nothing is sent before it has.
            if (p.Phase is LoadPhase.Checking && !context.Response.HasStarted)
            {
                held = p;
                continue;
            }

            if (held is { } first)
                await SendAsync(context, new WireLoadEvent(first.Phase.ToString(), first.Fraction, null, null)).ConfigureAwait(false);
            held = null;
            await SendAsync(context, new WireLoadEvent(p.Phase.ToString(), p.Fraction, null, null)).ConfigureAwait(false);
        }

        IModelContext model = vai.Select(await load.ConfigureAwait(false));
        access.Did(context, "loaded", model.Name);
        await SendAsync(context, new WireLoadEvent(null, 1, Describe(model), null)).ConfigureAwait(false);
    }

    public async Task UnloadAsync(HttpContext context)
    {
        WireUnload request = await ApiJson.ReadAsync<WireUnload>(context).ConfigureAwait(false);
        IModelContext model = Select(request.Name);
        await vai.UnloadAsync(model.Handle, context.RequestAborted).ConfigureAwait(false);
        access.Did(context, "unloaded", model.Name);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task PlanAsync(HttpContext context)
    {
        WireModelRequest request = await ApiJson.ReadAsync<WireModelRequest>(context).ConfigureAwait(false);
        if (request.Model is not null || (request.Name is { } name && !access.IsConfigured(name)))
            ApiAccess.CheckFiles(context);
        MemoryPlan plan = request.Model is { } model
            ? await vai.PlanAsync(model, context.RequestAborted).ConfigureAwait(false)
            : await vai.PlanAsync(ApiJson.Needed(request.Name, "name"), context.RequestAborted).ConfigureAwait(false);
        await ApiJson.WriteAsync(context, plan, WireJson.Default.MemoryPlan).ConfigureAwait(false);
    }

    public async Task TokenizeAsync(HttpContext context)
    {
        WireTokenize request = await ApiJson.ReadAsync<WireTokenize>(context).ConfigureAwait(false);
        IModelContext model = Select(request.Model);
        IReadOnlyList<int> tokens = await ((IRebuildableModel)model).TokensOfAsync(
            (request with { Text = ApiJson.Needed(request.Text, "text") }).ToText(), request.Room ?? int.MaxValue, context.RequestAborted).ConfigureAwait(false);
        await ApiJson.WriteAsync(context, new WireTokens(tokens), WireJson.Default.WireTokens).ConfigureAwait(false);
    }

    public async Task DetokenizeAsync(HttpContext context)
    {
        WireDetokenize request = await ApiJson.ReadAsync<WireDetokenize>(context).ConfigureAwait(false);
        IModelContext model = Select(request.Model);
        string text = await model.DetokenizeAsync(
            ApiJson.Needed(request.Tokens, "tokens"), request.Special, context.RequestAborted).ConfigureAwait(false);
        await ApiJson.WriteAsync(context, new WireText(text), WireJson.Default.WireText).ConfigureAwait(false);
    }

    public async Task ChatAsync(HttpContext context)
    {
        WireChat request = await ApiJson.ReadAsync<WireChat>(context).ConfigureAwait(false);
        IModelContext model = Select(request.Model);
        ChatPrompt prompt = await model.RenderChatAsync(
            ApiJson.Needed(request.Turns, "turns"), request.AddGenerationPrompt, context.RequestAborted).ConfigureAwait(false);
        await ApiJson.WriteAsync(context, new WirePrompt(prompt.Text, prompt.Flips), WireJson.Default.WirePrompt).ConfigureAwait(false);
    }

    public async Task EmbedAsync(HttpContext context)
    {
        WireEmbed request = await ApiJson.ReadAsync<WireEmbed>(context).ConfigureAwait(false);
        IModelContext model = Select(request.Model);
        IReadOnlyList<EmbeddingInput> inputs = ApiJson.Needed(request.Inputs, "inputs");
        if (inputs.Any(i => i is null || i.Text is null == i.Tokens is null))
            throw OptionCheck.Invalid("Each of 'inputs' has a 'text' or 'tokens', and not both.");
        var options = new EmbeddingOptions { Priority = request.Priority, Deadline = request.Deadline };
        Embeddings embeddings = await ((IBatchEmbedder)model).EmbedAllAsync(inputs, options, context.RequestAborted).ConfigureAwait(false);
        await ApiJson.WriteAsync(context, WireEmbeddings.Of(embeddings), WireJson.Default.WireEmbeddings).ConfigureAwait(false);
    }

    /// <summary>What can be said of a model from outside; of one that can be measured, how full its bank is.</summary>
    public static WireModelStatus StatusOf(IModelContext model, IReadOnlyList<WireSessionInfo> sessions, long generated)
    {
        WireSessionInfo[] its = [.. sessions.Where(s => s.Model == model.Name)];
        int size = model.Memory?.SramTokens ?? model.ContextLength;
        int used = model is IMeasuredModel here ? here.SramUsed : Math.Min(its.Sum(s => s.Tokens), size);
        return new WireModelStatus(model.Name, true, false, model.OpenSessions, used, size, generated);
    }

    /// <summary>A model as a document.</summary>
    public static WireModel Describe(IModelContext model) => new(
        model.Name, model.Info, model.LoadTime.TotalMilliseconds, model.OnGpu, model.Memory, model.ContextLength, model.OpenSessions,
        model.Handle.Generation);

    private async Task<ModelHandle> LoadAsync(WireModelRequest request, IProgress<LoadProgress> progress, CancellationToken cancellationToken) =>
        request.Model is { } model
            ? await vai.LoadAsync(model, progress, cancellationToken).ConfigureAwait(false)
            : await vai.LoadAsync(ApiJson.Needed(request.Name, "name"), progress, cancellationToken).ConfigureAwait(false);

    private IModelContext Select(string? name) => vai.Select(ApiJson.Needed(name, "model"));

    private static async Task SendAsync(HttpContext context, WireLoadEvent e)
    {
        if (!context.Response.HasStarted)
            EventWriter.Head(context.Response);
        EventWriter.Write(context.Response.BodyWriter, e, WireJson.Default.WireLoadEvent);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private sealed class Reporter(ChannelWriter<LoadProgress> to) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => to.TryWrite(value);
    }
}
