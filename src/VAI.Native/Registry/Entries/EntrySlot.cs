namespace VAI.Native.Registry.Entries;

/// <summary>
/// An entry as it was at one moment: whoever writes to it says what it was, and is refused where somebody else has written since.
/// </summary>
/// <param name="Index">Which entry.</param>
/// <param name="Generation">Its commit word; 0 if it was never written.</param>
/// <param name="File">Which of the registry's files, in the order this object opened them: a new one begins at generation 0 again.</param>
internal readonly record struct EntrySlot(int Index, ulong Generation, int File);
