using System.Text.Json;
using VAI.Text.Constraints;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Schemas;
using VAI.Text.Tools.Formats;
using VAI.Text.Tools.Forms;

namespace VAI.Text.Tools;

/// <summary>The grammar of an answer that may call tools: what a model can write then is what is read of it.</summary>
internal sealed class ToolGrammar
{
    private const int MostCalls = 64;
    private const string Space = SchemaCompiler.Space;

    private readonly ToolRequest _request;
    private readonly ToolFormat _format;
    private readonly MarkedGrammar _marked;
    private readonly GrammarBuilder _grammar;
    private readonly bool _headed;
    private readonly ArgumentForm? _form;
    private readonly Dictionary<string, ArgumentTypes> _types = new(StringComparer.Ordinal);
    private (int Rule, ArgumentTypes Types)? _anything;

    private ToolGrammar(ToolRequest request, MarkedGrammar marked, bool headed)
    {
        (_request, _format, _marked, _grammar, _headed) = (request, request.Format, marked, marked.Grammar, headed);
        _form = _format.Tags is { } tags ? new TagForm(tags, marked) : _format.Literals is { } literals ? new LiteralForm(literals, marked) : null;
    }

    /// <summary>Adds the rules of such an answer.</summary>
    /// <param name="request">The calls.</param>
    /// <param name="marked">To what.</param>
    /// <param name="headed">Whether what is said has a header, where calls are parts of their own: then no part ends in it; else it may be several parts.</param>
    /// <exception cref="SchemaError">A strict tool's schema, or that of the answer, cannot be held.</exception>
    public static ToolRules Add(ToolRequest request, MarkedGrammar marked, bool headed) => new ToolGrammar(request, marked, headed).Answer();

    private ToolRules Answer()
    {
        bool apart = _format.PartOpen.Length > 0;
        (int call, int first) = _request.MayCall ? Each() : (-1, -1);
        int? calls = _request.MayCall ? Calls(first, call) : null;
        if (_request.Choice == ToolChoice.Required)
            return apart ? new(null, calls, _types) : new(calls, null, _types);
        List<int> ways = [_request.Schema is { } schema ? _marked.Marks(_format.SaidOpen, SchemaCompiler.Add(_grammar, schema, "#")) : Said(_grammar.End)];
        if (calls is not { } direct)
            return new(ways[0], null, _types);

        // What begins calls behind something is no part of it, and says so; the first of them may have begun in the prompt.
        bool behind = _request.Schema is null && _format.Trigger.Length > 0;
        if (behind)
            ways.Add(Said(apart ? _marked.Marks(_format.PartClose + _format.PartOpen, direct) : first == call ? direct : Calls(call, call)));
        if (!apart && (!behind || first != call))
            ways.Add(direct);
        return new(_grammar.Choice(ways), apart ? direct : null, _types);
    }

    // What is said without a call, or before the first.
    private int Said(int next) => _format.Trigger.Length == 0
        ? _marked.Pattern(_request.MayCall ? "([^\\s{][\\s\\S]*)?" : "[\\s\\S]*", next) : _marked.Marks(_format.SaidOpen, _marked.Without(next, _headed && _format.PartClose.Length > 0 ? [_format.Trigger, _format.PartClose] : [_format.Trigger]));

    private int Calls(int first, int call)
    {
        // Some end a turn with a line of its own; what may only be another call would have them make one.
        int more = _format.SectionClose.Length > 0 || _format.PartOpen.Length > 0
            ? _marked.Marks(_format.SectionClose, _grammar.End) : _marked.Pattern("[\\r\\n ]{0,4}", _grammar.End);
        if (_request.Parallel && _format.Between is not null)
            more = _grammar.Add(new RepeatNode(_marked.Marks(_format.Between, _grammar.Add(new CallNode(call, _grammar.End))), 0, MostCalls - 1, more));
        return _marked.Marks(_format.SectionOpen, _grammar.Add(new CallNode(first, more)));
    }

    // A call, and one that the prompt has begun.
    private (int Call, int First) Each()
    {
        List<int> calls = [], first = [];
        foreach (Tool tool in _request.Tools)
        {
            int close = _marked.Marks(_format.CallClose, _grammar.End), arguments = Arguments(tool);
            if (_format.NameKey is { } key)
            {
                calls.Add(Json(tool, key, arguments, close));
                continue;
            }

            int given = _marked.Marks(_format.NameClose, _grammar.Add(new CallNode(arguments, close)));
            if (_format.IdOpen is { } open)
                given = _marked.Marks(open, _marked.Pattern(_format.IdPattern, given));
            calls.Add(_marked.Marks(_format.CallOpen + tool.Name, given));
            if (_format.Begun.Length > 0)
                first.Add(_marked.Marks(_format.CallOpen[_format.Begun.Length..] + tool.Name, given));
        }

        int call = _grammar.Choice(calls);
        return (call, first.Count > 0 ? _grammar.Choice(first) : call);
    }

    private int Json(Tool tool, string nameKey, int arguments, int close)
    {
        string id = _format.IdKey is { } key ? $"{Quoted(key)}:{Space}\"{_format.IdPattern}\"" : "";
        int end = _marked.Pattern(id.Length > 0 && !_format.IdFirst ? $",{Space}{id}{Space}\\}}" : $"{Space}\\}}", close);

        // All but the name is the same of each, and made once.
        int called = _marked.Pattern($",{Space}{Quoted(_format.ArgumentsKey)}:{Space}", _grammar.Add(new CallNode(arguments, end)));
        int named = _marked.Pattern(Quoted(tool.Name), called);
        int begin = _marked.Pattern($"\\{{{Space}{(id.Length > 0 && _format.IdFirst ? $"{id},{Space}" : "")}{Quoted(nameKey)}:{Space}", named);
        return _marked.Marks(_format.CallOpen, begin);
    }

    private int Arguments(Tool tool)
    {
        if (Added(tool, tool.Parameters, tool.Strict) is { } rule)
            return rule;
        if (LooseTool.Of(tool.Parameters, Holds) is { } loose && Added(tool, loose, strict: false) is { } left)
            return left;

        // Any object: the same for all such, whatever the tools before them have used up.
        (int any, ArgumentTypes types) = _anything ??= SchemaCompiler.AddArguments(_grammar, Constraint.JsonObject.Text, "#/tools", _form, isOurs: true);
        _types.TryAdd(tool.Name, types);
        return any;
    }

    // Null where it cannot be held, and need not be.
    private int? Added(Tool tool, string schema, bool strict)
    {
        string place = $"#/tools/{tool.Name}";
        if ((strict ? SchemaCompiler.AddArguments(_grammar, schema, place, _form) : Tried(schema, place)) is not { } added)
            return null;
        _types.TryAdd(tool.Name, added.Types);
        return added.Rule;
    }

    private bool Holds(string schema)
    {
        int before = _grammar.Count;
        bool holds = Tried(schema, "#") is not null;
        _grammar.Truncate(before);
        return holds;
    }

    private (int Rule, ArgumentTypes Types)? Tried(string schema, string place)
    {
        if (_grammar.Fuel.IsSpent)
            return null;
        int before = _grammar.Count;
        try
        {
            return SchemaCompiler.AddArguments(_grammar, schema, place, _form);
        }
        catch (SchemaError)
        {
            _grammar.Truncate(before);
            return null;
        }
    }

    // A JSON string as a pattern.
    private static string Quoted(string text) => MarkedGrammar.Escape(JsonSerializer.Serialize(text, SchemaJson.Default.String));
}

/// <summary>The rules of an answer that may call tools.</summary>
/// <param name="Answer">What is said, with the calls behind it; null where a call must be made that is a part of its own.</param>
/// <param name="Calls">Calls that are a part of their own, which other marks begin; null where they are none.</param>
/// <param name="Types">What the arguments of each tool may be.</param>
internal sealed record ToolRules(int? Answer, int? Calls, IReadOnlyDictionary<string, ArgumentTypes> Types);
