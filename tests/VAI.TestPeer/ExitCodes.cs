namespace VAI.TestPeer;

/// <summary>What the peer's exit codes mean.</summary>
internal static class ExitCodes
{
    internal const int Done = 0;
    internal const int UnknownVerb = 1;
    internal const int VaiError = 2;
    internal const int CheckFailed = 3;
}
