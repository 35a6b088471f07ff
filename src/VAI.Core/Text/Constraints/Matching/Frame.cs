using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Matching;

/// <summary>What a place of a grammar goes back to: a stack that shares its lower part with others. Equal stacks are the same object.</summary>
internal sealed class Frame(int id, Frame? below, int node, int times, MembersState? members)
{
    /// <summary>Its number, by which it is compared.</summary>
    public int Id => id;

    /// <summary>The next lower; null at the bottom.</summary>
    public Frame? Below => below;

    /// <summary>Where it goes on: behind a call; else the repetition or the object that it counts for.</summary>
    public int Node => node;

    /// <summary>How often a repetition came.</summary>
    public int Times => times;

    /// <summary>What an object has; null for anything else.</summary>
    public MembersState? Members => members;
}

/// <summary>All stacks that came up, each once.</summary>
internal sealed class Frames
{
    // What one takes with its entry, and members beside their names.
    private const int FrameBytes = 140, MembersBytes = 160;

    private readonly Dictionary<(int Below, int Node, int Times, MembersState? Members), Frame> _known = [];

    /// <summary>About how much memory they take.</summary>
    public long Bytes { get; private set; }

    public Frame Push(Frame? below, int node, int times = 0, MembersState? members = null)
    {
        (int, int, int, MembersState?) key = (below?.Id ?? 0, node, times, members);
        if (!_known.TryGetValue(key, out Frame? frame))
        {
            _known[key] = frame = new Frame(_known.Count + 1, below, node, times, members);
            Bytes += FrameBytes + (members is null ? 0 : MembersBytes + (8 * members.Seen.Words));
        }

        return frame;
    }

    /// <summary>A stack of another's, here.</summary>
    /// <param name="stack">The other's.</param>
    /// <param name="known">What was found out of others of its before.</param>
    public Frame? Adopt(Frame? stack, Dictionary<Frame, Frame> known)
    {
        var open = new Stack<Frame>();
        Frame? own = null;
        for (Frame? at = stack; at is not null && !known.TryGetValue(at, out own); at = at.Below)
            open.Push(at);
        while (open.TryPop(out Frame? frame))
            own = known[frame] = Push(own, frame.Node, frame.Times, frame.Members);
        return own;
    }
}
