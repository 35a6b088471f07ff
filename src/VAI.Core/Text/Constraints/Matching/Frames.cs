using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Matching;

/// <summary>All closed stacks that came up, each once.</summary>
internal sealed class Frames(Grammar grammar)
{
    private readonly Dictionary<(Link Link, MembersState? Members), Frame> _single = [];
    private readonly Dictionary<Key, Frame> _several = [];

    // What one takes with its entry, each of its links, and members beside their names.
    private const int FrameBytes = 140, LinkBytes = 24, MembersBytes = 160;

    /// <summary>About how much memory they take.</summary>
    public long Bytes { get; private set; }

    /// <summary>The closed one of some links to closed ones.</summary>
    public Frame Of(IReadOnlyList<Link> links, MembersState? members)
    {
        if (links.Count == 1)
            return Of(links[0], members);
        Link[] sorted = [.. links.Distinct()];
        if (sorted.Length == 1)
            return Of(sorted[0], members);
        Array.Sort(sorted);
        ref Frame? several = ref CollectionsMarshal.GetValueRefOrAddDefault(_several, new Key(sorted, members), out _);
        return several ??= New(sorted, members);
    }

    private Frame Of(Link link, MembersState? members)
    {
        ref Frame? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_single, (link, members), out _);
        return known ??= New([link], members);
    }

    /// <summary>What an open one has become.</summary>
    /// <exception cref="ConstraintTooLarge">Its rules call each other without an end.</exception>
    public Frame? Close(Frame? frame)
    {
        if (frame is null || frame.Id != 0)
            return frame;
        if (frame.Closed is { } closed)
            return closed;
        if (frame.IsClosing || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new ConstraintTooLarge("its rules begin with each other too deeply");
        frame.IsClosing = true;
        if (frame.Links.Count == 1)
        {
            Link only = frame.Links[0];
            Frame? below = Close(only.Below);
            return frame.Closed = IsTail(only) && frame.Members is null ? below : Of(only with { Below = below }, frame.Members);
        }

        var links = new List<Link>(frame.Links.Count);
        Gather(frame, links, frame.Links.Any(IsTail) ? [] : null);
        for (int i = 0; i < links.Count; i++)
            links[i] = links[i] with { Below = Close(links[i].Below) };
        return frame.Closed = Of(links, frame.Members);
    }

    /// <summary>A closed stack of another's, here.</summary>
    /// <param name="stack">The other's.</param>
    /// <param name="known">What was found out of others of its before.</param>
    public Frame? Adopt(Frame? stack, Dictionary<Frame, Frame> known)
    {
        if (stack is null)
            return null;
        var open = new Stack<Frame>([stack]);
        while (open.TryPeek(out Frame? frame))
        {
            Frame[] missing = [.. frame.Links.Select(l => l.Below).OfType<Frame>().Where(f => !known.ContainsKey(f))];
            if (missing.Length == 0 || known.ContainsKey(frame))
            {
                open.Pop();
                known.TryAdd(frame, Of([.. frame.Links.Select(l => l with { Below = l.Below is null ? null : known[l.Below] })], frame.Members));
            }

            foreach (Frame below in missing)
                open.Push(below);
        }

        return known[stack];
    }

    // Behind a call that ends its rule comes what is behind that rule: so a text that is a list by such calls has no deep stack.
    private void Gather(Frame frame, List<Link> links, HashSet<Frame>? seen)
    {
        var left = new Stack<Frame>([frame]);
        seen?.Add(frame);
        while (left.TryPop(out Frame? next))
        {
            foreach (Link link in next.Links)
            {
                if (!IsTail(link))
                    links.Add(link);
                else if (seen!.Add(link.Below!))
                    left.Push(link.Below!);
            }
        }
    }

    private bool IsTail(Link link) => link is { Times: 0, Below.Members: null } && grammar[link.Node] is EndNode;

    private Frame New(IReadOnlyList<Link> links, MembersState? members)
    {
        Bytes += FrameBytes + (LinkBytes * links.Count) + (members is null ? 0 : MembersBytes + (8 * members.Seen.Words));
        return new Frame(_single.Count + _several.Count, [.. links], members);
    }

    private readonly struct Key(Link[] links, MembersState? members) : IEquatable<Key>
    {
        private readonly int _hash = Hash(links, members);
        private readonly Link[] _links = links;
        private readonly MembersState? _members = members;

        public bool Equals(Key other) => Equals(_members, other._members) && _links.AsSpan().SequenceEqual(other._links);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => _hash;

        private static int Hash(Link[] links, MembersState? members)
        {
            var hash = default(HashCode);
            hash.Add(members);
            foreach (Link link in links)
                hash.Add(link);
            return hash.ToHashCode();
        }
    }
}
