using System.Text;
using System.Text.Json;
using VAI.Text.Constraints;
using VAI.Text.Constraints.Schemas;
using VAI.Text.Tools;
using VAI.Text.Tools.Reading;

namespace VAI;

/// <summary>
/// Reads the calls of tools that an answer has (<see cref="InferenceUpdateKind.ToolCalls"/>), piece by piece: whole ones (<see cref="Append"/>), or
/// each as it comes (<see cref="Read"/>); one of the two for an answer. Linear in the text. Not thread-safe.
/// </summary>
public sealed class ToolCallReader
{
    private readonly CallParser _parser;
    private readonly Calls _calls;

    /// <param name="constraint">What the answer was generated with (<see cref="Constraint.Tools"/>).</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidConstraint"/>: it is no constraint of tools.</exception>
    public ToolCallReader(Constraint constraint)
    {
        ArgumentNullException.ThrowIfNull(constraint);
        CompiledConstraint compiled = CompiledConstraint.Of(constraint);
        ToolRequest tools = compiled.Tools ?? throw new VaiUsageException(VaiError.InvalidConstraint, "The constraint has no tools. Make it with Constraint.Tools.");
        _calls = new Calls(tools.Format.NameKey is not null);
        _parser = new CallParser(tools.Format, name => compiled.Arguments.GetValueOrDefault(name, ArgumentTypes.Any));
    }

    /// <summary>Takes a piece.</summary>
    /// <param name="text">The text of an update.</param>
    /// <returns>The calls that are complete now, each once.</returns>
    public IReadOnlyList<ToolCallPart> Append(string text) => [.. Read(text).Select(u => u.Call).OfType<ToolCallPart>().Where(_calls.IsWhole)];

    /// <summary>Takes a piece.</summary>
    /// <param name="text">The text of an update.</param>
    /// <returns>
    /// What is known now of each call: first its name and its id, then pieces of its arguments, which are JSON once they stand one behind the other. Of a
    /// format that writes a call's id behind its arguments, the id is another: nobody waits for it.
    /// </returns>
    public IReadOnlyList<ToolCallUpdate> Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        _parser.Take(text, _calls);
        return _calls.Updates();
    }

    // Calls as they come.
    private sealed class Calls(bool checks) : ICallSink
    {
        private const string IdLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

        private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
        private readonly StringBuilder _json = new();
        private readonly StringBuilder _piece = new();
        private List<ToolCallUpdate> _updates = [];
        private string _name = "";
        private string? _given;
        private string? _id;
        private int _index = -1;

        public void Begin(string name, string? id) => (_name, _given, _id) = (name, id, null);

        public void Arguments(ReadOnlySpan<char> json)
        {
            // A call is one once there is something of its arguments.
            if (_id is null)
            {
                _id = Own(_given);
                _updates.Add(new ToolCallUpdate(++_index, "", _id, _name));
            }

            _json.Append(json);
            _piece.Append(json);
        }

        public void End(string? id)
        {
            _updates.Add(new ToolCallUpdate(_index, _piece.ToString()) { Call = new ToolCallPart(_name, _json.ToString(), id is null || _given is not null ? _id : Own(id)) });
            _piece.Clear();
            Drop();
        }

        public void Drop()
        {
            // What came before it was known to be none was told, wherever the text was cut.
            Tell();
            _json.Clear();
            _id = null;
        }

        public List<ToolCallUpdate> Updates()
        {
            Tell();
            List<ToolCallUpdate> updates = _updates;
            _updates = [];
            return updates;
        }

        private void Tell()
        {
            if (_piece.Length > 0)
                _updates.Add(new ToolCallUpdate(_index, _piece.ToString()));
            _piece.Clear();
        }

        // Of a call that is one object all of it is JSON, or it is none.
        public bool IsWhole(ToolCallPart call)
        {
            if (!checks)
                return true;
            try
            {
                JsonDocument.Parse(call.Arguments, new JsonDocumentOptions { MaxDepth = 1_000 }).Dispose();
                return true;
            }
            catch (JsonException)
            {
                return false;
            }
        }

        // A model may count as it likes; results are found by their ids. New ones are as long as every template seen takes one.
        private string Own(string? id)
        {
            string own = id ?? new string(Random.Shared.GetItems<char>(IdLetters, 9));
            return _ids.Add(own) ? own : Own(null);
        }
    }
}

/// <summary>What became known of a call of a tool while it is made.</summary>
/// <param name="Index">Its place among the calls of the answer.</param>
/// <param name="Arguments">What comes next of the text of its arguments.</param>
/// <param name="Id">By which its result is known: in the first update of the call, else null.</param>
/// <param name="Name">The tool's name: in the first update of the call, else null.</param>
public readonly record struct ToolCallUpdate(int Index, string Arguments, string? Id = null, string? Name = null)
{
    /// <summary>The whole call: in its last update, else null. Its id is the model's own where that comes last.</summary>
    public ToolCallPart? Call { get; init; }
}
