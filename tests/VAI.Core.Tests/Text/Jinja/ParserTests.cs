using System.Globalization;
using VAI.Text.Jinja;
using VAI.Text.Jinja.Syntax;

namespace VAI.Core.Tests.Text.Jinja;

/// <summary>What binds to what, as Jinja2 3.1.6 has it, and what is no template.</summary>
public sealed class ParserTests
{
    [Theory]
    [InlineData("a + b * c", "(a Add (b Multiply c))")]
    [InlineData("a ~ b + c", "((a ~ b) Add c)")]
    [InlineData("a * b ~ c", "((a Multiply b) ~ c)")]
    [InlineData("not a == b", "Not(a Equal b)")]
    [InlineData("not a in b and c", "(Not(a In b) And c)")]
    [InlineData("a not in b", "(a NotIn b)")]
    [InlineData("a < b <= c", "(a Less b LessOrEqual c)")]
    [InlineData("a or b and c", "(a Or (b And c))")]
    [InlineData("-a | abs", "Minus(a)|abs()")]
    [InlineData("a + b | round(1, method=2)", "(a Add b|round(1,method=2))")]
    [InlineData("2 ** 3 ** 2", "((2 Power 3) Power 2)")]
    [InlineData("a if b else c if d else e", "(b?a:(d?c:e))")]
    [InlineData("a if b", "(b?a:)")]
    [InlineData("a.b['c'].0[1:-1, ::2]", "a.b[c][0][(1:Minus(1):,::2)]")]
    [InlineData("f(1, *r, k=2, **m)", "f(1,k=2,*r,**m)")]
    [InlineData("a is not divisibleby 3 and b", "(Not(a is divisibleby(3)) And b)")]
    [InlineData("a is defined or b", "(a is defined() Or b)")]
    [InlineData("a is string == b", "(a is string() Equal b)")]
    [InlineData("'a' 'b' ~ \"c\"", "(ab ~ c)")]
    [InlineData("[1, 2.5, true, none,]", "[1,2.5,True,]")]
    [InlineData("{'a': 1, 2: []}", "{a:1,2:[]}")]
    [InlineData("(1,), ()", "((1),())")]
    [InlineData("x | a | b(c) is d", "x|a()|b(c) is d()")]
    [InlineData("0x1F + 0b11", "(31 Add 3)")]
    public void Operators_bind_as_they_should(string expression, string tree) =>
        Assert.Equal(tree, Text(Assert.IsType<OutputStatement>(Assert.Single(TemplateParser.Read("{{ " + expression + " }}"))).Value));

    [Fact]
    public void Statements_hold_what_is_within()
    {
        IReadOnlyList<Statement> body = TemplateParser.Read("""
            {% for k, v in a.items() if v recursive %}{% if k %}{% continue %}{% elif v %}x{% else %}{{ k }}{% endif %}{% else %}none{% endfor %}
            {% set ns.a = 1, 2 %}{% set b | trim %}y{% endset %}{% macro m(a, b=none) %}z{% endmacro %}{% call(x) m(1) %}w{% endcall %}
            {% filter upper | trim %}u{% endfilter %}{% with a = 1, b = 2 %}{% generation %}t{% endgeneration %}{% endwith %}{% do f(1) %}
            """);
        var loop = Assert.IsType<ForStatement>(body[0]);
        Assert.True(loop.IsRecursive && loop.Test is NameExpression && loop.Otherwise.Count == 1);
        Assert.Equal(3, Assert.IsType<IfStatement>(Assert.Single(loop.Body)).Branches.Count);
        Assert.Equal(
            [typeof(SetStatement), typeof(SetBlockStatement), typeof(MacroStatement), typeof(CallStatement), typeof(FilterStatement), typeof(WithStatement), typeof(DoStatement)],
            body.Skip(1).Where(s => s is not TextStatement).Select(s => s.GetType()));
    }

    [Theory]
    [InlineData("{{ }}", 1, "a value was expected")]
    [InlineData("\n{% if a %}b", 2, "endif")]
    [InlineData("{% endif %}", 1, "ends nothing")]
    [InlineData("{% for a %}{% endfor %}", 1, "'in' was expected")]
    [InlineData("{% break %}", 1, "outside of a loop")]
    [InlineData("{% for a in b %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}", 1, "outside of a loop")]
    [InlineData("{% include 'x' %}", 1, "needs other templates")]
    [InlineData("{% nothing %}", 1, "there is no statement 'nothing'")]
    [InlineData("{% set true = 1 %}", 1, "cannot be given a value")]
    [InlineData("{{ f(a=1, 2) }}", 1, "behind one by name")]
    [InlineData("{{ a b }}", 1, "'}}' was expected")]
    [InlineData("{% macro m(a=1, b) %}{% endmacro %}", 1, "without a default")]
    public void What_is_no_template_is_said_with_its_line(string template, int line, string what)
    {
        TemplateError error = Assert.Throws<TemplateError>(() => TemplateParser.Read(template));
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Line, line, line);
    }

    /// <summary>Whatever is within each other, however often: an error, and no stack that overflows.</summary>
    [Theory]
    [InlineData("{{ ", "(", "", "")]
    [InlineData("{{ ", "[", "", "")]
    [InlineData("{{ ", "{1:", "", "")]
    [InlineData("{{ ", "f(", "", "")]
    [InlineData("{{ ", "a[", "", "")]
    [InlineData("{{ ", "not ", "a", " }}")]
    [InlineData("{{ ", "-", "a", " }}")]
    [InlineData("{{ ", "a if b else ", "c", " }}")]
    [InlineData("", "{% if a %}", "", "")]
    [InlineData("", "{% for a in b %}", "", "")]
    [InlineData("", "{% macro m() %}", "", "")]
    [InlineData("{% set ", "(", "", "")]
    [InlineData("{% for ", "(", "", "")]
    public void A_hundred_thousand_within_each_other_are_an_error(string before, string repeated, string inner, string behind)
    {
        string template = before + string.Concat(Enumerable.Repeat(repeated, 100_000))[..Math.Min(900_000, repeated.Length * 100_000)] + inner + behind;
        Assert.Throws<TemplateError>(() => TemplateParser.Read(template));
    }

    [Fact]
    public void More_than_a_template_may_have_is_refused()
    {
        Assert.Contains("the most", Assert.Throws<TemplateError>(() => TemplateParser.Read(new string('a', TemplateParser.MostChars + 1))).Message, StringComparison.Ordinal);
        string many = "{{ " + string.Join('+', Enumerable.Repeat("a", TokenReader.MostNodes)) + " }}";
        Assert.Contains("more than", Assert.Throws<TemplateError>(() => TemplateParser.Read(many)).Message, StringComparison.Ordinal);
    }

    private static string Text(Expression? of) => of switch
    {
        null => "",
        NameExpression e => e.Name,
        StringExpression e => e.Value,
        IntegerExpression e => e.Value.ToString(CultureInfo.InvariantCulture),
        FloatExpression e => e.Value.ToString(CultureInfo.InvariantCulture),
        ConstantExpression e => e.Value?.ToString() ?? "",
        ListExpression e => "[" + string.Join(',', e.Items.Select(Text)) + "]",
        TupleExpression e => "(" + string.Join(',', e.Items.Select(Text)) + ")",
        DictExpression e => "{" + string.Join(',', e.Items.Select(i => Text(i.Key) + ":" + Text(i.Value))) + "}",
        AttributeExpression e => Text(e.Of) + "." + e.Name,
        ItemExpression e => $"{Text(e.Of)}[{Text(e.Index)}]",
        SliceExpression e => $"{Text(e.From)}:{Text(e.To)}:{Text(e.Step)}",
        CallExpression e => Text(e.Function) + Text(e.Arguments),
        FilterExpression e => $"{Text(e.Of)}|{e.Name}{Text(e.Arguments)}",
        TestExpression e => $"{Text(e.Of)} is {e.Name}{Text(e.Arguments)}",
        UnaryExpression { Of: CompareExpression c } e => e.Operator + Text(c),
        UnaryExpression e => $"{e.Operator}({Text(e.Of)})",
        BinaryExpression e => $"({Text(e.Left)} {e.Operator} {Text(e.Right)})",
        ConcatExpression e => "(" + string.Join(" ~ ", e.Items.Select(Text)) + ")",
        CompareExpression e => $"({Text(e.First)}{string.Concat(e.Rest.Select(r => $" {r.Operator} {Text(r.With)}"))})",
        ConditionalExpression e => $"({Text(e.Test)}?{Text(e.Then)}:{Text(e.Otherwise)})",
        _ => throw new ArgumentException(of.GetType().Name),
    };

    private static string Text(Arguments of) => "(" + string.Join(
        ',',
        of.Positional.Select(Text).Concat(of.Named.Select(n => n.Name + "=" + Text(n.Value)))
            .Concat(of.Rest is null ? [] : ["*" + Text(of.Rest)]).Concat(of.NamedRest is null ? [] : ["**" + Text(of.NamedRest)])) + ")";
}
