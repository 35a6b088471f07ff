using System.Text.Json;
using VAI.Text.Constraints;
using VAI.Text.Constraints.Grammars;
using VAI.Text.Constraints.Schemas;

namespace VAI.Text.Tools;

/// <summary>The grammar of an answer that may call tools: what a model can write then is what is read of it.</summary>
internal sealed class ToolGrammar
{
    private const int MostCalls = 64;
    private const string Space = SchemaCompiler.Space;

    private readonly ToolRequest _request;
    private readonly MarkedGrammar _marked;
    private readonly GrammarBuilder _grammar;

    private ToolGrammar(ToolRequest request, MarkedGrammar marked) => (_request, _marked, _grammar) = (request, marked, marked.Grammar);

    /// <summary>Adds the rule of such an answer.</summary>
    /// <exception cref="SchemaError">A strict tool's schema, or that of the answer, cannot be held.</exception>
    public static int Add(ToolRequest request, MarkedGrammar marked) => new ToolGrammar(request, marked).Answer();

    private int Answer()
    {
        int end = _grammar.End;
        if (_request.Choice == ToolChoice.Required)
            return Calls(end);
        List<int> ways = [_request.Schema is { } schema ? SchemaCompiler.Add(_grammar, schema, "#") : Content(end)];
        if (_request.Choice == ToolChoice.Auto && _request.Tools.Count > 0)
            ways.Add(_request.Schema is null && _request.Format.Trigger.Length > 0 ? Content(Calls(end)) : Calls(end));
        return _grammar.Choice(ways);
    }

    // What is said without a call, or before the first.
    private int Content(int next) => _request.Format.Trigger.Length == 0 ? _marked.Pattern("([^\\s{][\\s\\S]*)?", next) : _marked.Without(_request.Format.Trigger, next);

    private int Calls(int next)
    {
        ToolFormat format = _request.Format;
        int call = _grammar.Choice([.. _request.Tools.Select(One)]), more = _marked.Marks(format.SectionClose, next);
        if (_request.Parallel && format.Between is not null)
            more = _grammar.Add(new RepeatNode(_marked.Marks(format.Between, _grammar.Add(new CallNode(call, _grammar.End))), 0, MostCalls - 1, more));
        return _marked.Marks(format.SectionOpen, _grammar.Add(new CallNode(call, more)));
    }

    private int One(Tool tool)
    {
        ToolFormat format = _request.Format;
        int close = _marked.Marks(format.CallClose, _grammar.End), arguments = Arguments(tool);
        if (format.NameKey is null)
        {
            int given = _marked.Marks(format.NameClose, _grammar.Add(new CallNode(arguments, close)));
            if (format.IdOpen is { } open)
                given = _marked.Marks(open, _marked.Pattern(format.IdPattern, given));
            return _marked.Marks(format.CallOpen + tool.Name, given);
        }

        string name = $"{MarkedGrammar.Escape(Quoted(format.NameKey))}:{Space}{MarkedGrammar.Escape(Quoted(tool.Name))},{Space}{MarkedGrammar.Escape(Quoted(format.ArgumentsKey))}:{Space}";
        string id = format.IdKey is { } key ? $"{MarkedGrammar.Escape(Quoted(key))}:{Space}\"{format.IdPattern}\"" : "";
        int end = _marked.Pattern(id.Length > 0 && !format.IdFirst ? $",{Space}{id}{Space}\\}}" : $"{Space}\\}}", close);
        int begin = _marked.Pattern($"\\{{{Space}{(id.Length > 0 && format.IdFirst ? $"{id},{Space}" : "")}{name}", _grammar.Add(new CallNode(arguments, end)));
        return _marked.Marks(format.CallOpen, begin);
    }

    private int Arguments(Tool tool)
    {
        int before = _grammar.Count;
        try
        {
            return SchemaCompiler.Add(_grammar, tool.Parameters, $"#/tools/{tool.Name}", closed: true, isObject: true);
        }
        catch (SchemaError) when (!tool.Strict)
        {
            _grammar.Truncate(before);
            return SchemaCompiler.Add(_grammar, Constraint.JsonObject.Text, "#");
        }
    }

    private static string Quoted(string text) => JsonSerializer.Serialize(text, SchemaJson.Default.String);
}
