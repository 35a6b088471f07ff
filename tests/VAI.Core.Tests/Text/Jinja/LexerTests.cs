using VAI.Text.Jinja;
using VAI.Text.Jinja.Syntax;

namespace VAI.Core.Tests.Text.Jinja;

/// <summary>A template taken apart as Jinja2 3.1.6 does it with trim_blocks and lstrip_blocks, which each expectation was compared with.</summary>
public sealed class LexerTests
{
    [Theory]
    [InlineData("a\n", "a")]
    [InlineData("a\n\n", "a\n")]
    [InlineData("a\r\nb\rc", "a\nb\nc")]
    [InlineData("  {% if x %}\nb{% endif %}\n c", "b| c")]
    [InlineData("  {{ x }}\nb", "  |\nb")]
    [InlineData("a {% if x %} b", "a | b")]
    [InlineData("a\n  {%- if x -%}  \n b", "a|b")]
    [InlineData("a\n  {%+ if x +%}\n b", "a\n  |\n b")]
    [InlineData("a\n  {# c #}\n  {# d #}b", "a\n|b")]
    [InlineData("a\n  {#- c -#}\n  b", "a|b")]
    [InlineData("a{{- x -}} b", "a|b")]
    [InlineData("{% if x %}\n  {% endif %}b", "b")]
    [InlineData("{% raw %}{{ x }}{% y %}{% endraw %}\nb", "{{ x }}{% y %}|b")]
    [InlineData("a {%- raw -%} {{ x }} {%- endraw -%} b", "a|{{ x }}|b")]
    [InlineData("{ {x} {", "{ {x} {")]
    [InlineData("{%- if x -%}\n  {% endif %}b", "b")]
    [InlineData("x{% if x -%}\n\n  y", "x|y")]
    public void Blanks_around_tags_go_where_they_should(string template, string texts) =>
        Assert.Equal(texts, string.Join('|', Lexer.Read(template).Where(t => t.Kind == TokenKind.Text).Select(t => t.Value)));

    [Theory]
    [InlineData("{{ 'a' }}", "a")]
    [InlineData("""{{ "it's" }}""", "it's")]
    [InlineData("""{{ 'a\'b\n\t\\' }}""", "a'b\n\t\\")]
    [InlineData("""{{ '\x41\u00e9\U0001F600\101' }}""", "Aé😀A")]
    [InlineData("""{{ '\d\ ' }}""", "\\d\\ ")]
    [InlineData("{{ 'a\\\nb' }}", "ab")]
    [InlineData("{{ '}}' }}", "}}")]
    public void A_string_is_what_it_stands_for(string template, string value) =>
        Assert.Equal(value, Assert.Single(Lexer.Read(template), t => t.Kind == TokenKind.String).Value);

    [Theory]
    [InlineData("{{ 1 2.5 1e3 1_000 0x1f .5 }}", "Integer 1, Float 2.5, Float 1e3, Integer 1000, Integer 0x1f, Symbol ., Integer 5")]
    [InlineData("{{ x.0.1 }}", "Name x, Symbol ., Integer 0, Symbol ., Integer 1")]
    [InlineData("{{ {'a': {}} }}", "Symbol {, String a, Symbol :, Symbol {, Symbol }, Symbol }")]
    [InlineData("{{ a//b**c~d }}", "Name a, Symbol //, Name b, Symbol **, Name c, Symbol ~, Name d")]
    public void What_stands_within_tags_is_tokens(string template, string tokens) => Assert.Equal(
        tokens,
        string.Join(", ", Lexer.Read(template).Where(t => t.Kind is TokenKind.Name or TokenKind.Integer or TokenKind.Float or TokenKind.String or TokenKind.Symbol)
            .Select(t => $"{t.Kind} {t.Value}")));

    [Fact]
    public void Lines_are_counted_through_everything()
    {
        IReadOnlyList<Token> tokens = Lexer.Read("a\n{# \n #}\n{{ 'x\ny'\n}}\n  {%- if\n a %}\n{% raw %}\n\n{% endraw %}{{ z }}");
        Assert.Equal(4, tokens.First(t => t.Kind == TokenKind.String).Line);
        Assert.Equal(8, tokens.First(t => t.IsName("a")).Line);
        Assert.Equal(11, tokens.First(t => t.IsName("z")).Line);
    }

    [Theory]
    [InlineData("a\n{{ x", 2, "'}}' is missing")]
    [InlineData("{% if", 1, "'%}' is missing")]
    [InlineData("\n\n{# x", 3, "'#}' is missing")]
    [InlineData("{% raw %} x", 1, "endraw")]
    [InlineData("{{ 'x }}", 1, "a string has no end")]
    [InlineData("{{ ) }}", 1, "closes nothing")]
    [InlineData("{{ (] }}", 1, "closes nothing")]
    [InlineData("{{ a ? b }}", 1, "'?' is no part of an expression")]
    [InlineData("{{ '\\x4' }}", 1, "hexadecimal")]
    public void What_is_no_template_is_said_with_its_line(string template, int line, string what)
    {
        TemplateError error = Assert.Throws<TemplateError>(() => Lexer.Read(template));
        Assert.Equal(line, error.Line);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
    }
}
