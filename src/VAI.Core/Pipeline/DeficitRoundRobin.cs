namespace VAI.Pipeline;

/// <summary>Something that takes turns.</summary>
internal interface ITurn
{
    /// <summary>Whether it has something to do.</summary>
    bool IsReady { get; }

    /// <summary>Its share relative to the others', above 0.</summary>
    int Weight { get; }
}

/// <summary>
/// Deficit round-robin (Shreedhar and Varghese, 1996), charged after the fact because a step's cost is known only then. Each
/// lap gives every ready member credit by its weight; a member runs while it has credit, and its last step may overdraw it.
/// </summary>
/// <remarks>
/// No starvation: a ready member overdrawn by at most one step of cost C is served again after at most
/// <c>C / (quantum * weight) + 2</c> laps, in each of which the others take their credit and overdraw once at most.
/// </remarks>
/// <param name="quantum">Credit of weight 1 a lap, in the unit of the costs.</param>
internal sealed class DeficitRoundRobin<T>(long quantum)
    where T : class, ITurn
{
    private readonly List<T> _members = [];
    private readonly List<long> _credits = [];
    private int _at;

    public IReadOnlyList<T> Members => _members;

    public void Add(T member)
    {
        _members.Add(member);
        _credits.Add(0);
    }

    public void Remove(T member)
    {
        int index = _members.IndexOf(member);
        if (index < 0)
            return;
        _members.RemoveAt(index);
        _credits.RemoveAt(index);
        _at = 0;
    }

    /// <summary>Whose turn it is; null if nobody is ready, which settles all debts.</summary>
    public T? Next()
    {
        if (_at < _members.Count && _members[_at].IsReady && _credits[_at] > 0)
            return _members[_at];
        bool any = false;
        for (int i = 0; i < _members.Count; i++)
        {
            if (_members[i].IsReady)
                any = true;
            else
                _credits[i] = Math.Min(_credits[i], 0);
        }

        if (!any)
        {
            for (int i = 0; i < _credits.Count; i++)
                _credits[i] = 0;
            return null;
        }

        while (true)
        {
            _at = _at + 1 < _members.Count ? _at + 1 : 0;
            if (!_members[_at].IsReady)
                continue;
            _credits[_at] += quantum * _members[_at].Weight;
            if (_credits[_at] > 0)
                return _members[_at];
        }
    }

    /// <summary>Charges the member that <see cref="Next"/> gave.</summary>
    public void Charge(long cost)
    {
        if (_at < _credits.Count)
            _credits[_at] -= cost;
    }
}
