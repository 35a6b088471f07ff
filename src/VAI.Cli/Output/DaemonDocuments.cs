using VAI.Remote.Wire;

namespace VAI.Cli.Output;

/// <summary>What the verbs that speak to the daemon print.</summary>
internal sealed record DaemonModelBody(
    string Name, bool Loaded, bool Quarantined, int OpenSessions, int SramUsed, int SramTokens, long GeneratedTokens);

internal sealed record DaemonSessionBody(
    string Id, string Model, string? Client, int Tokens, bool Running, long Generated, double TokensPerSecond, double AgeSeconds);

internal sealed record PsDocument(
    string Socket,
    string Version,
    int ProcessId,
    int? WorkerId,
    int WorkerRestarts,
    double UptimeSeconds,
    int ActiveRequests,
    int QueuedRequests,
    IReadOnlyList<DaemonModelBody> Models,
    IReadOnlyList<DaemonSessionBody> Sessions)
{
    public static PsDocument Of(string socket, WireStatus s, IReadOnlyList<WireSessionInfo> sessions) => new(
        socket, s.Version, s.ProcessId, s.WorkerId, s.WorkerRestarts, Format.Number(s.UptimeSeconds), s.ActiveRequests, s.QueuedRequests,
        [.. s.Models.Select(m => new DaemonModelBody(
            m.Name, m.Loaded, m.Quarantined, m.OpenSessions, m.SramUsed, m.SramTokens, m.GeneratedTokens))],
        [.. sessions.Select(x => new DaemonSessionBody(
            x.Id, x.Model, x.Client, x.Tokens, x.Running, x.Generated, Format.Number(x.TokensPerSecond), Format.Number(x.AgeSeconds)))]);
}

internal sealed record LoadDocument(string Name, string File, double LoadMs, bool Gpu, int Context, long RomBytes, long KvBytes, double TotalMs);

internal sealed record UnloadDocument(string Name);

internal sealed record ChatAnswerBody(
    string Model,
    string Prompt,
    string Text,
    string? Reasoning,
    IReadOnlyList<ChatCallBody> Calls,
    int Tokens,
    int PromptTokens,
    int ReusedTokens,
    string? ReusedUntil,
    double FirstMs,
    double TotalMs,
    double TokensPerSecond,
    string Finish,
    uint? Seed);

internal sealed record ChatCallBody(string Name, string Arguments);

internal sealed record ChatDocument(IReadOnlyList<ChatAnswerBody> Answers);
