using VAI.Text.Constraints.Automata;

namespace VAI.Text.Constraints.Gbnf;

/// <summary>A part of a rule, as a tree. One stands in one place, but for sets.</summary>
internal abstract class GbnfItem
{
    /// <summary>Levels below it, and its own.</summary>
    public int Height { get; protected init; } = 1;

    /// <summary>Whether the empty text is among its texts; that of a reference is known once all rules are.</summary>
    public bool IsNullable { get; set; }

    /// <summary>What it is a part of: another, or a rule.</summary>
    public object? Parent { get; set; }

    /// <summary>How large it is with all rules and counts written out; <see cref="GbnfSizes.Endless"/> for more than is ever written out.</summary>
    public int Size { get; set; } = GbnfSizes.Endless;

    /// <summary>Levels with all rules written out.</summary>
    public int Depth { get; set; }
}

/// <summary>A text as it stands.</summary>
internal sealed class GbnfText(string text) : GbnfItem
{
    public string Text => text;
}

/// <summary>One code point of a set.</summary>
internal sealed class GbnfSet(CharSet set) : GbnfItem
{
    public CharSet Set => set;
}

/// <summary>One behind the other; the empty text where there is none.</summary>
internal sealed class GbnfSequence : GbnfItem
{
    public GbnfSequence(IReadOnlyList<GbnfItem> parts)
    {
        (Parts, IsNullable) = (parts, true);
        for (int i = 0; i < parts.Count; i++)
        {
            Height = Math.Max(Height, parts[i].Height + 1);
            IsNullable &= parts[i].IsNullable;
        }
    }

    public IReadOnlyList<GbnfItem> Parts { get; }

    /// <summary>How many of them are not known to be nullable.</summary>
    public int Pending { get; set; }
}

/// <summary>Any of some.</summary>
internal sealed class GbnfChoice : GbnfItem
{
    public GbnfChoice(IReadOnlyList<GbnfItem> of)
    {
        Of = of;
        for (int i = 0; i < of.Count; i++)
        {
            Height = Math.Max(Height, of[i].Height + 1);
            IsNullable |= of[i].IsNullable;
        }
    }

    public IReadOnlyList<GbnfItem> Of { get; }
}

/// <summary>The same again and again.</summary>
internal sealed class GbnfRepeat : GbnfItem
{
    public GbnfRepeat(GbnfItem inner, int least, int most)
    {
        (Inner, Least, Most) = (inner, least, most);
        Height = inner.Height + 1;
        IsNullable = least == 0 || inner.IsNullable;
    }

    public GbnfItem Inner { get; }

    public int Least { get; }

    /// <summary>1 or more; <see cref="int.MaxValue"/> for no limit.</summary>
    public int Most { get; }
}

/// <summary>A rule by its name.</summary>
internal sealed class GbnfReference(GbnfRule rule) : GbnfItem
{
    public GbnfRule Rule => rule;
}

/// <summary>A rule.</summary>
/// <param name="name">Its name.</param>
/// <param name="line">Where its name is first.</param>
internal sealed class GbnfRule(string name, int line)
{
    public string Name => name;

    /// <summary>Where it is defined, or else referred to.</summary>
    public int Line { get; set; } = line;

    /// <summary>What it stands for; null while it is not defined.</summary>
    public GbnfItem? Body { get; set; }

    public bool IsNullable { get; set; }

    /// <summary>Where it is referred to.</summary>
    public List<GbnfReference> References { get; } = [];

    /// <summary>How far the search for left recursion is with it.</summary>
    public GbnfVisit Visit { get; set; }

    /// <summary>References in it whose rules are not measured yet.</summary>
    public int Waits { get; set; }

    /// <summary>The rules that refer to it, once for each time; null for none.</summary>
    public List<GbnfRule>? By { get; set; }

    /// <summary>Its place in the grammar, and that of its texts but for the empty one; 0 while it has none.</summary>
    public int Place { get; set; }

    public int PlaceOfSome { get; set; }

    public override string ToString() => $"'{name}'";
}

/// <summary>Where a search is with a rule.</summary>
internal enum GbnfVisit : byte
{
    New,
    Open,
    Done,
}
