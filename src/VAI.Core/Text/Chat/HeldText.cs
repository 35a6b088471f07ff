using System.Text;

namespace VAI.Text.Chat;

/// <summary>Text that is held back until it is known what it is. Control tokens are looked at in it, and are no part of what comes out.</summary>
internal sealed class HeldText
{
    private readonly StringBuilder _all = new();
    private readonly List<(int Start, int End)> _controls = [];

    public bool IsEmpty => _all.Length == 0;

    public void Append(string text, string control)
    {
        _all.Append(text);
        if (control.Length == 0)
            return;
        _controls.Add((_all.Length, _all.Length + control.Length));
        _all.Append(control);
    }

    /// <summary>All of it, with control tokens.</summary>
    public override string ToString() => _all.ToString();

    /// <summary>Takes the first characters out: what of them is text.</summary>
    public string Take(int count)
    {
        var text = new StringBuilder(count);
        int at = 0;
        foreach ((int start, int end) in _controls)
        {
            if (start >= count)
                break;
            text.Append(_all.ToString(at, start - at));
            at = Math.Min(end, count);
        }

        if (at < count)
            text.Append(_all.ToString(at, count - at));
        Drop(count);
        return text.ToString();
    }

    /// <summary>Takes all of it out.</summary>
    public string Take() => Take(_all.Length);

    /// <summary>Throws the first characters away.</summary>
    public void Drop(int count)
    {
        _all.Remove(0, count);
        for (int i = _controls.Count - 1; i >= 0; i--)
        {
            (int start, int end) = _controls[i];
            if (end <= count)
                _controls.RemoveAt(i);
            else
                _controls[i] = (Math.Max(start - count, 0), end - count);
        }
    }
}
