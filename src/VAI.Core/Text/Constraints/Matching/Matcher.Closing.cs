using System.Runtime.CompilerServices;
using VAI.Text.Constraints.Automata;
using VAI.Text.Constraints.Grammars;

namespace VAI.Text.Constraints.Matching;

/// <summary>What comes next without a character: rules that begin, and those that end.</summary>
internal sealed partial class Matcher
{
    private void Begin()
    {
        _configs.Clear();
        _closed.Clear();
        _begun.Clear();
        _links = _depth = 0;
        _accepts = false;
    }

    private void Add(Config config)
    {
        if (_configs.Add(config) && _configs.Count > MostConfigs)
            throw GrammarBuilder.TooAmbiguous();
    }

    private void Text(int node, TextNode text, int state, Frame? stack)
    {
        if (text.Language.CanGoOn(state))
            Add(new Config(node, state, 0, 0, stack));
        if (text.Language.Accepts(state))
            Close(text.Next, stack);
    }

    private void Raw(int node, RawNode text, int state, int count, Frame? stack)
    {
        if (count < text.Most && text.Language.CanGoOn(state))
            Add(new Config(node, state, 0, count, stack));
        if (count >= text.Least && text.Language.Accepts(state))
            Close(text.Next, stack);
    }

    // What comes next without a character.
    private void Close(int node, Frame? stack)
    {
        if (++_depth > MostDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new ConstraintTooLarge("its rules begin with each other too deeply");
        CloseNew(node, stack);
        _depth--;
    }

    private void CloseNew(int node, Frame? stack)
    {
        if (!_grammar.IsLive(node) || !_closed.Add((node, stack)))
            return;
        Work(1);
        if (_closed.Count > 4 * MostConfigs)
            throw GrammarBuilder.TooAmbiguous();
        switch (_grammar[node])
        {
            case EndNode when stack is null:
                _accepts = true;
                break;
            case EndNode:
                Return(stack);
                break;
            case TextNode text:
                Text(node, text, 0, stack);
                break;
            case RawNode text:
                Raw(node, text, 0, 0, stack);
                break;
            case StringNode:
            case TokenNode:
                Add(new Config(node, 0, 0, 0, stack));
                break;
            case KeyNode key:
                if (key.Of.Members.MayGoOn(stack!.Members!))
                    Add(new Config(node, 0, 0, stack.Members!.Others.IsEmpty ? -1 : 0, stack));
                break;
            case ChoiceNode choice:
                foreach (int one in choice.Of)
                    Close(one, stack);
                break;
            case CallNode call:
                Begin(call.Rule, new Link(call.Next, 0, stack));
                break;
            case RepeatNode repeat:
                Repeat(node, repeat, 0, stack);
                break;
            case MembersNode members:
                BeginMembers(node, members, new Link(node, OfMembers, stack));
                break;
            case MemberEndNode end:
                if (end.Of.Members.MayEnd(stack!.Members!))
                    Return(stack);
                if (end.Of.Members.MayGoOn(stack.Members!))
                    Close(end.Of.Members.NextKey, stack);
                break;
        }
    }

    // A rule that is called from several places at once is followed once.
    private void Begin(int rule, Link link)
    {
        if (Join(rule, link))
            return;
        var frame = new Frame(link, null);
        _begun.Add(rule, frame);
        Close(rule, frame);
    }

    private void BeginMembers(int node, MembersNode members, Link link)
    {
        if (Join(node, link))
            return;
        var none = MembersState.None(members.Members.Names.Count);
        var frame = new Frame(link, none);
        _begun.Add(node, frame);
        if (members.Members.MayEnd(none))
            Return(frame);
        if (members.Members.MayGoOn(none))
            Close(members.Members.FirstKey, frame);
    }

    private bool Join(int node, Link link)
    {
        Work(1);
        if (++_links > 4 * MostConfigs)
            throw GrammarBuilder.TooAmbiguous();
        if (!_begun.TryGetValue(node, out Frame? frame))
            return false;
        frame.Add(link);
        if (frame.HasEnded)
            Return(link);
        return true;
    }

    private void Return(Frame stack)
    {
        stack.HasEnded |= stack.Id == 0;

        // Those that come while it returns do so themselves.
        int count = stack.Links.Count;
        for (int i = 0; i < count; i++)
            Return(stack.Links[i]);
    }

    private void Return(Link link)
    {
        switch (_grammar[link.Node])
        {
            case RepeatNode repeat when link.Times > 0:
                Repeat(link.Node, repeat, link.Times, link.Below);
                break;
            case MembersNode members when link.Times == OfMembers:
                Close(members.Next, link.Below);
                break;
            default:
                Close(link.Node, link.Below);
                break;
        }
    }

    // So often it came.
    private void Repeat(int node, RepeatNode repeat, int times, Frame? below)
    {
        if (times >= repeat.Least)
            Close(repeat.Next, below);
        if (times < repeat.Most)
            Begin(repeat.Rule, new Link(node, repeat.Most == int.MaxValue ? Math.Min(times + 1, repeat.Least + 1) : times + 1, below));
    }
}
