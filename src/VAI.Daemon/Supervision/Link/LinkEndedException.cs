namespace VAI.Daemon.Supervision.Link;

/// <summary>The link to an engine ended, and what was asked over it is neither done nor refused. Never leaves the supervisor.</summary>
/// <param name="reason">Why, as the end of a sentence.</param>
/// <param name="inner">The cause.</param>
internal sealed class LinkEndedException(string reason, Exception? inner = null) : IOException($"The link ended: {reason}.", inner);
