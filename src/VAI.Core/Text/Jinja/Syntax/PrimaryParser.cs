using System.Globalization;
using System.Numerics;
using System.Text;

namespace VAI.Text.Jinja.Syntax;

/// <summary>What operators stand between: names, literals and brackets, with their attributes, items, calls, filters and tests.</summary>
internal sealed class PrimaryParser(TokenReader reader)
{
    // What a number may have that is read at once: more is a way to spend time.
    private const int MostDigits = 4_300;

    public Expression Read(ExpressionParser whole)
    {
        Token token = reader.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                reader.Next();
                return reader.Count(token.Value switch
                {
                    "true" or "True" => new ConstantExpression(token.Line, true),
                    "false" or "False" => new ConstantExpression(token.Line, false),
                    "none" or "None" => new ConstantExpression(token.Line, null),
                    _ => (Expression)new NameExpression(token.Line, token.Value),
                });
            case TokenKind.String:
                return reader.Count(new StringExpression(token.Line, ReadStrings()));
            case TokenKind.Integer or TokenKind.Float when token.Value.Length > MostDigits:
                throw new TemplateError(token.Line, $"a number has more than {MostDigits} digits");
            case TokenKind.Integer:
                reader.Next();
                return reader.Count(new IntegerExpression(token.Line, Integer(token)));
            case TokenKind.Float:
                reader.Next();
                return reader.Count(new FloatExpression(token.Line, double.Parse(token.Value, CultureInfo.InvariantCulture)));
        }

        if (reader.Skip("("))
            return ReadParentheses(token.Line, whole);
        if (reader.Skip("["))
            return reader.Count(new ListExpression(token.Line, ReadItems("]", whole)));
        if (reader.Skip("{"))
            return reader.Count(ReadDict(token.Line, whole));
        throw new TemplateError(token.Line, $"a value was expected, and here is {token}");
    }

    /// <summary>Attributes, items and calls behind a value.</summary>
    public Expression ReadPostfix(Expression value, ExpressionParser whole)
    {
        while (true)
        {
            int line = reader.Current.Line;
            if (reader.Skip("."))
                value = reader.Count(ReadAttribute(line, value));
            else if (reader.Skip("["))
                value = reader.Count(new ItemExpression(line, value, ReadIndex(whole)));
            else if (reader.Current.IsSymbol("("))
                value = reader.Count(new CallExpression(line, value, ReadArguments(whole)));
            else
                return value;
        }
    }

    /// <summary>Filters and tests behind a value.</summary>
    public Expression ReadFilters(Expression value, ExpressionParser whole)
    {
        while (true)
        {
            int line = reader.Current.Line;
            if (reader.Skip("|"))
                value = ReadFilter(value, whole);
            else if (reader.SkipName("is"))
                value = ReadTest(line, value, whole);
            else if (reader.Current.IsSymbol("("))
                value = reader.Count(new CallExpression(line, value, ReadArguments(whole)));
            else
                return value;
        }
    }

    /// <summary>A filter's name and arguments.</summary>
    public FilterExpression ReadFilter(Expression? of, ExpressionParser whole)
    {
        Token token = reader.Current;
        int line = token.Line;
        string name = ReadDotted("a filter's name");
        reader.Known.Filter(token, name);
        return reader.Count(new FilterExpression(line, of, name, reader.Current.IsSymbol("(") ? ReadArguments(whole) : Arguments.None));
    }

    /// <summary>A call's arguments, from its opening to its closing parenthesis.</summary>
    public Arguments ReadArguments(ExpressionParser whole)
    {
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? rest = null, namedRest = null;
        reader.Expect("(");
        while (!reader.Skip(")"))
        {
            if (positional.Count + named.Count > 0 || rest is not null || namedRest is not null)
            {
                reader.Expect(",");
                if (reader.Skip(")"))
                    break;
            }

            Token token = reader.Current;
            if (namedRest is null && reader.Skip("**"))
                namedRest = whole.Read();
            else if (namedRest is null && rest is null && reader.Skip("*"))
                rest = whole.Read();
            else if (namedRest is null && token.Kind == TokenKind.Name && reader.Ahead.IsSymbol("="))
                named.Add((ReadName(), whole.Read()));
            else if (namedRest is null && rest is null && named.Count == 0)
                positional.Add(whole.Read());
            else
                throw new TemplateError(token.Line, "an argument by place stands behind one by name");
        }

        return new Arguments(positional, named, rest, namedRest);

        string ReadName()
        {
            Token name = reader.Next();
            reader.Next();
            return named.Exists(n => n.Item1 == name.Value) ? throw new TemplateError(name.Line, $"the argument {name} is given twice") : name.Value;
        }
    }

    // Strings side by side are one.
    private string ReadStrings()
    {
        string first = reader.Next().Value;
        if (reader.Current.Kind != TokenKind.String)
            return first;
        var all = new StringBuilder(first);
        while (reader.Current.Kind == TokenKind.String)
            all.Append(reader.Next().Value);
        return all.ToString();
    }

    private Expression ReadParentheses(int line, ExpressionParser whole)
    {
        if (reader.Skip(")"))
            return reader.Count(new TupleExpression(line, []));
        Expression inner = whole.ReadTuple();
        reader.Expect(")");
        return inner;
    }

    private List<Expression> ReadItems(string end, ExpressionParser whole)
    {
        var items = new List<Expression>();
        while (!reader.Skip(end))
        {
            if (items.Count > 0)
            {
                reader.Expect(",");
                if (reader.Skip(end))
                    break;
            }

            items.Add(whole.Read());
        }

        return items;
    }

    private DictExpression ReadDict(int line, ExpressionParser whole)
    {
        var items = new List<(Expression, Expression)>();
        while (!reader.Skip("}"))
        {
            if (items.Count > 0)
            {
                reader.Expect(",");
                if (reader.Skip("}"))
                    break;
            }

            Expression key = whole.Read();
            reader.Expect(":");
            items.Add((key, whole.Read()));
        }

        return new DictExpression(line, items);
    }

    private Expression ReadAttribute(int line, Expression of)
    {
        Token name = reader.Next();
        return name.Kind switch
        {
            TokenKind.Name => new AttributeExpression(line, of, name.Value),
            TokenKind.Integer when name.Value.Length <= MostDigits =>
                new ItemExpression(line, of, new IntegerExpression(name.Line, Integer(name))),
            _ => throw new TemplateError(name.Line, $"an attribute's name was expected behind the dot, and here is {name}"),
        };
    }

    private Expression ReadIndex(ExpressionParser whole)
    {
        int line = reader.Current.Line;
        if (reader.Skip("]"))
            return reader.Count(new TupleExpression(line, []));
        var items = new List<Expression>();
        do
            items.Add(ReadOneIndex(whole));
        while (reader.Skip(","));
        reader.Expect("]");
        return items.Count == 1 ? items[0] : reader.Count(new TupleExpression(line, items));
    }

    private Expression ReadOneIndex(ExpressionParser whole)
    {
        int line = reader.Current.Line;
        Expression? from = reader.Current.IsSymbol(":") ? null : whole.Read();
        if (!reader.Skip(":"))
            return from!;
        Expression? to = EndsPart() ? null : whole.Read();
        Expression? step = reader.Skip(":") && !EndsPart() ? whole.Read() : null;
        return reader.Count(new SliceExpression(line, from, to, step));
    }

    private bool EndsPart() => reader.Current.IsSymbol(":") || reader.Current.IsSymbol("]") || reader.Current.IsSymbol(",");

    private Expression ReadTest(int line, Expression of, ExpressionParser whole)
    {
        bool negated = reader.SkipName("not");
        Token token = reader.Current;
        string name = ReadDotted("a test's name");
        reader.Known.Test(token, name);
        token = reader.Current;
        Arguments arguments = Arguments.None;
        if (token.IsSymbol("("))
        {
            arguments = ReadArguments(whole);
        }
        else if (BeginsArgument(token))
        {
            if (token.IsName("is"))
                throw new TemplateError(token.Line, "a test cannot be tested: put it in parentheses");
            arguments = new Arguments([ReadPostfix(Read(whole), whole)], [], null, null);
        }

        Expression test = reader.Count(new TestExpression(line, of, name, arguments));
        return negated ? reader.Count(new UnaryExpression(line, UnaryOperator.Not, test)) : test;
    }

    private static bool BeginsArgument(Token token) => token.Kind switch
    {
        TokenKind.Name => token.Value is not ("else" or "or" or "and"),
        TokenKind.String or TokenKind.Integer or TokenKind.Float => true,
        _ => token.IsSymbol("[") || token.IsSymbol("{"),
    };

    private string ReadDotted(string what)
    {
        string name = reader.Expect(TokenKind.Name, what).Value;
        while (reader.Skip("."))
            name += "." + reader.Expect(TokenKind.Name, what).Value;
        return name;
    }

    private static BigInteger Integer(Token token)
    {
        string digits = token.Value;
        if (digits.Length < 2 || !char.IsAsciiLetter(digits[1]))
            return BigInteger.Parse(digits, CultureInfo.InvariantCulture);
        BigInteger value = 0;
        int radix = digits[1] is 'x' or 'X' ? 16 : digits[1] is 'o' or 'O' ? 8 : 2;
        foreach (char c in digits.AsSpan(2))
            value = (value * radix) + Convert.ToInt32(c.ToString(), 16);
        return value;
    }
}
