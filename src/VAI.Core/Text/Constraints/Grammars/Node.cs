using VAI.Text.Constraints.Automata;

namespace VAI.Text.Constraints.Grammars;

/// <summary>A place of a grammar: what may come there, and where it goes on. Named by its number in the grammar.</summary>
internal abstract record Node;

/// <summary>The end of a rule: it goes on where it was called; the end of the first rule is the end of the text.</summary>
internal sealed record EndNode : Node;

/// <summary>Text of a language, as it stands.</summary>
/// <param name="Language">The texts.</param>
/// <param name="Next">Behind it.</param>
/// <param name="Spaced">Whether white space in it stands between parts of JSON, where none has to.</param>
internal sealed record TextNode(Automaton Language, int Next, bool Spaced = false) : Node;

/// <summary>Text whose characters are counted.</summary>
/// <param name="Language">The texts.</param>
/// <param name="Least">Least characters; 0 where the language says so itself.</param>
/// <param name="Most">Most characters; <see cref="int.MaxValue"/> for any number. Beside a language with no more than that comes to be one of its texts.</param>
/// <param name="Next">Behind it.</param>
internal abstract record CountedNode(Automaton Language, int Least, int Most, int Next) : Node;

/// <summary>What a JSON string says, and its closing quotation mark. The characters may be escaped.</summary>
/// <param name="Language"><inheritdoc cref="CountedNode" path="/param[@name='Language']"/></param>
/// <param name="Least"><inheritdoc cref="CountedNode" path="/param[@name='Least']"/></param>
/// <param name="Most"><inheritdoc cref="CountedNode" path="/param[@name='Most']"/></param>
/// <param name="Next"><inheritdoc cref="CountedNode" path="/param[@name='Next']"/></param>
/// <param name="Quote">The mark that closes it: JSON's, or the other one that Python has.</param>
internal sealed record StringNode(Automaton Language, int Least, int Most, int Next, char Quote = '"') : CountedNode(Language, Least, Most, Next);

/// <summary>The same as it stands, with nothing behind it that is its own.</summary>
internal sealed record RawNode(Automaton Language, int Least, int Most, int Next) : CountedNode(Language, Least, Most, Next);

/// <summary>One of several.</summary>
internal sealed record ChoiceNode(IReadOnlyList<int> Of) : Node;

/// <summary>A rule, then what is behind it.</summary>
internal sealed record CallNode(int Rule, int Next) : Node;

/// <summary>A rule again and again: a counter, never a copy.</summary>
/// <param name="Rule">The rule, which matches no empty text.</param>
/// <param name="Least">Least times.</param>
/// <param name="Most">Most times; <see cref="int.MaxValue"/> for no limit.</param>
/// <param name="Next">Behind it.</param>
internal sealed record RepeatNode(int Rule, int Least, int Most, int Next) : Node;

/// <summary>A control token of the vocabulary.</summary>
internal sealed record TokenNode(int Token, int Next) : Node;

/// <summary>The members of a JSON object, without its braces.</summary>
internal sealed record MembersNode(ObjectMembers Members, int Next) : Node;

/// <summary>The key of a member and what closes it. Only within a <see cref="MembersNode"/>.</summary>
/// <param name="Of">The object.</param>
/// <param name="Stop">The character that closes it, which no key has as it stands; a JSON string's quotation mark.</param>
/// <param name="IsRaw">Whether it is no JSON string: no character is escaped.</param>
/// <param name="StopToken">The control token that closes it; -1 where the character does.</param>
internal sealed record KeyNode(MembersNode Of, char Stop = '"', bool IsRaw = false, int StopToken = -1) : Node;

/// <summary>Behind a member. Only within a <see cref="MembersNode"/>.</summary>
internal sealed record MemberEndNode(MembersNode Of) : Node;
