namespace VAI.Text.Jinja.Syntax;

/// <summary>From a template to what it says. Nothing of it is run.</summary>
internal sealed class TemplateParser
{
    /// <summary>Characters of the longest template.</summary>
    public const int MostChars = 1 << 20;

    private readonly TokenReader _reader;
    private readonly ExpressionParser _expressions;

    // Loops around what is read, without those outside a macro.
    private int _loops;

    private TemplateParser(IReadOnlyList<Token> tokens)
    {
        _reader = new TokenReader(tokens);
        _expressions = new ExpressionParser(_reader);
    }

    /// <summary>Reads a template.</summary>
    /// <exception cref="TemplateError">It is none, or larger or deeper than any that means well.</exception>
    public static IReadOnlyList<Statement> Read(string source)
    {
        if (source.Length > MostChars)
            throw new TemplateError(1, $"the template has {source.Length} characters, and {MostChars} is the most");
        var parser = new TemplateParser(Lexer.Read(source));
        IReadOnlyList<Statement> statements = parser.ReadBody([]);
        parser._reader.Known.Check();
        return parser._reader.Current.Kind == TokenKind.End
            ? statements : throw new TemplateError(parser._reader.Current.Line, $"{parser._reader.Current} was not expected");
    }

    // Up to a statement of one of these names, which is the current token then.
    private List<Statement> ReadBody(string[] ends)
    {
        var body = new List<Statement>();
        while (true)
        {
            Token token = _reader.Current;
            switch (token.Kind)
            {
                case TokenKind.Text:
                    _reader.Next();
                    body.Add(_reader.Count(new TextStatement(token.Line, token.Value)));
                    continue;
                case TokenKind.OutputStart:
                    _reader.Next();
                    body.Add(_reader.Count(new OutputStatement(token.Line, _expressions.ReadTuple())));
                    _reader.Expect(TokenKind.OutputEnd, "'}}'");
                    continue;
                case TokenKind.StatementStart when _reader.Ahead.Kind == TokenKind.Name && ends.Contains(_reader.Ahead.Value):
                    _reader.Next();
                    return body;
                case TokenKind.StatementStart:
                    _reader.Next();
                    body.Add(_reader.Within(ReadStatement));
                    continue;
                case TokenKind.End when ends.Length > 0:
                    throw new TemplateError(token.Line, $"the template ends, and '{{% {ends[^1]} %}}' is missing");
                default:
                    return body;
            }
        }
    }

    private Statement ReadStatement()
    {
        Token name = _reader.Expect(TokenKind.Name, "a statement's name");
        int line = name.Line;
        switch (name.Value)
        {
            case "if":
                return ReadIf(line);
            case "for":
                return ReadFor(line);
            case "set":
                return ReadSet(line);
            case "macro":
                return ReadMacro(line);
            case "call":
                return ReadCall(line);
            case "filter":
                FilterExpression filter = _expressions.ReadBlockFilters();
                return new FilterStatement(line, filter, ReadBlock("endfilter"));
            case "with":
                return ReadWith(line);
            case "generation":
                return new PlainBlockStatement(line, ReadBlock("endgeneration"));
            case "autoescape":
                _expressions.Read();
                return new PlainBlockStatement(line, ReadBlock("endautoescape"));
            case "do":
                Expression value = _expressions.ReadTuple();
                End();
                return new DoStatement(line, value);
            case "break" or "continue" when _loops == 0:
                throw new TemplateError(line, $"{name} stands outside of a loop");
            case "break":
                End();
                return new BreakStatement(line);
            case "continue":
                End();
                return new ContinueStatement(line);
            case "include" or "import" or "from" or "extends" or "block":
                throw new TemplateError(line, $"{name} needs other templates, and a model has one");
            default:
                throw new TemplateError(line, name.Value.StartsWith("end", StringComparison.Ordinal) || name.Value is "else" or "elif"
                    ? $"{name} ends nothing that was begun" : $"there is no statement {name}");
        }
    }

    private IfStatement ReadIf(int line)
    {
        var branches = new List<(Expression?, IReadOnlyList<Statement>)>();
        bool certain = _reader.Known.IsCertain;
        _reader.Known.IsCertain = false;
        Expression? test = _expressions.ReadTuple();
        while (true)
        {
            End();
            List<Statement> body = ReadBody(test is null ? ["endif"] : ["elif", "else", "endif"]);
            branches.Add((test, body));
            switch (_reader.Next().Value)
            {
                case "elif":
                    test = _expressions.ReadTuple();
                    break;
                case "else":
                    test = null;
                    break;
                default:
                    End();
                    _reader.Known.IsCertain = certain;
                    return new IfStatement(line, branches);
            }
        }
    }

    private ForStatement ReadFor(int line)
    {
        _reader.Loops++;
        Expression target = _expressions.ReadTarget(attributes: false);
        _reader.ExpectName("in");
        Expression items = _expressions.ReadTuple(conditional: false);
        Expression? test = _reader.SkipName("if") ? _expressions.Read() : null;
        bool recursive = _reader.SkipName("recursive");
        End();
        _loops++;
        List<Statement> body = _reader.Known.Within(() => ReadBody(["else", "endfor"]));
        _loops--;
        List<Statement> otherwise = [];
        if (_reader.Next().Value == "else")
        {
            End();
            otherwise = _reader.Known.Within(() => ReadBody(["endfor"]));
            _reader.Next();
        }

        End();
        _reader.Loops--;
        return new ForStatement(line, target, items, test, recursive, body, otherwise);
    }

    private Statement ReadSet(int line)
    {
        Expression target = _expressions.ReadTarget(attributes: true);
        if (_reader.Skip("="))
        {
            Expression value = _expressions.ReadTuple();
            End();
            return new SetStatement(line, target, value);
        }

        FilterExpression? filter = _reader.Skip("|") ? _expressions.ReadBlockFilters() : null;
        return new SetBlockStatement(line, target, filter, ReadBlock("endset"));
    }

    private MacroStatement ReadMacro(int line)
    {
        string name = _reader.Expect(TokenKind.Name, "a macro's name").Value;
        return ReadCallable(line, name, ReadParameters(), "endmacro");
    }

    private CallStatement ReadCall(int line)
    {
        List<Parameter> parameters = _reader.Current.IsSymbol("(") ? ReadParameters() : [];
        Token token = _reader.Current;
        return _expressions.Read() is CallExpression call
            ? new CallStatement(line, call, ReadCallable(line, "caller", parameters, "endcall")) : throw new TemplateError(token.Line, "'call' needs a call of a macro");
    }

    private WithStatement ReadWith(int line)
    {
        var variables = new List<(Expression, Expression)>();
        while (_reader.Current.Kind != TokenKind.StatementEnd)
        {
            if (variables.Count > 0)
                _reader.Expect(",");
            Expression target = _reader.Within(() => (Expression)new NameExpression(_reader.Current.Line, _reader.Expect(TokenKind.Name, "a name").Value));
            _reader.Expect("=");
            variables.Add((target, _expressions.Read()));
        }

        return new WithStatement(line, variables, ReadBlock("endwith"));
    }

    private List<Parameter> ReadParameters()
    {
        var parameters = new List<Parameter>();
        _reader.Expect("(");
        while (!_reader.Skip(")"))
        {
            if (parameters.Count > 0)
                _reader.Expect(",");
            Token name = _reader.Expect(TokenKind.Name, "a parameter's name");
            Expression? otherwise = _reader.Skip("=") ? _expressions.Read() : null;
            if (parameters.Exists(p => p.Name == name.Value))
                throw new TemplateError(name.Line, $"there are two parameters {name}");
            if (name.Value == "caller" && otherwise is null)
                throw new TemplateError(name.Line, "a parameter 'caller' needs a default: it is what a call's body is given as");
            if (otherwise is null && parameters.Count > 0 && parameters[^1].Default is not null)
                throw new TemplateError(name.Line, $"the parameter {name} without a default stands behind one with a default");
            parameters.Add(new Parameter(name.Value, otherwise));
        }

        return parameters;
    }

    // A macro is no part of the loop that it is written in.
    private MacroStatement ReadCallable(int line, string name, List<Parameter> parameters, string end)
    {
        int loops = _loops, start = _reader.Position;
        _loops = 0;
        List<Statement> body = ReadBlock(end);
        _loops = loops;
        return new MacroStatement(line, name, parameters, body, _reader.HasName("varargs", start), _reader.HasName("kwargs", start),
            parameters.Exists(p => p.Name == "caller") || _reader.HasName("caller", start));
    }

    private List<Statement> ReadBlock(string end)
    {
        End();
        List<Statement> body = _reader.Known.Within(() => ReadBody([end]));
        _reader.Next();
        End();
        return body;
    }

    private void End() => _reader.Expect(TokenKind.StatementEnd, "'%}'");
}
