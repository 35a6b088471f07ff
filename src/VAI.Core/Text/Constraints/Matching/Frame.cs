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

    /// <summary>Whether it goes back to an object of which a key is to be recorded.</summary>
    public bool HasUnrecorded { get; } = members is { Unrecorded: true } || below is { HasUnrecorded: true };
}

/// <summary>All stacks that came up, each once.</summary>
internal sealed class Frames
{
    private readonly Dictionary<(int Below, int Node, int Times, MembersState? Members), Frame> _known = [];

    public Frame Push(Frame? below, int node, int times = 0, MembersState? members = null)
    {
        (int, int, int, MembersState?) key = (below?.Id ?? 0, node, times, members);
        if (!_known.TryGetValue(key, out Frame? frame))
            _known[key] = frame = new Frame(_known.Count + 1, below, node, times, members);
        return frame;
    }

    public int Count => _known.Count;
}
