using VAI.Text.Tools.Formats;

namespace VAI.Core.Tests.Text.Tools;

/// <summary>Which format a model has is found from what its template writes.</summary>
public sealed class ToolFormatTests
{
    [Theory]
    [InlineData("qwen3-coder", "<tool_call>\n<function=example>\n<parameter=a>\nvalue\n</parameter>\n</function>\n</tool_call>")]
    [InlineData("qwen3-coder", "<tools>\n{{ t | tojson }}</tools> <tool_call>\n<function=' + c.name + '>\n<parameter=' + k + '>\n")]
    [InlineData("seed-oss", "{%- set begin = '<seed:tool_call>' -%}{{ begin + '\n<function=' + c.name + '>\n' }}<parameter={{ k }}>{{ v }}</parameter></function>")]
    [InlineData("glm-4.5", "<tool_call>{{ c.name }}\n<arg_key>{{ k }}</arg_key>\n<arg_value>{{ v }}</arg_value>\n</tool_call>")]
    [InlineData("glm-4.7", "<tool_call>{{ c.name }}<arg_key>{{ k }}</arg_key><arg_value>{{ v }}</arg_value></tool_call>")]
    [InlineData("minimax-m2", "{%- set begin = '<minimax:tool_call>' -%}<invoke name=\"{{ c.name }}\">\n<parameter name=\"{{ k }}\">{{ v }}</parameter>")]
    [InlineData("deepseek-v3.2", "{%- set dsml_token = \"｜DSML｜\" -%}<{{ dsml_token }}function_calls>{% for c in m.tool_calls %}")]
    [InlineData("deepseek-v4", "{%- set dsml_token = \"｜DSML｜\" -%}<{{ dsml_token }}tool_calls>{% for c in m.tool_calls %}")]
    [InlineData("gemma-4", "{{ '<|tool_call>call:' + c.name + '{' }}{{ k }}:{{ '<|\"|>' + v + '<|\"|>' }}{{ '}<tool_call|>' }}")]
    [InlineData("functiongemma", "<start_function_call>call:{{ c.name }}{ {{ k }}:<escape>{{ v }}<escape>}<end_function_call>")]
    [InlineData("lfm2", "List of tools: <|tool_list_start|>[{{ tools }}]<|tool_list_end|>")]
    [InlineData("lfm2", "<|tool_call_start|>[{{ c.name }}({{ k }}={{ v }})]<|tool_call_end|>")]
    [InlineData("gpt-oss", "<|start|>assistant to=functions.{{ c.name }}<|channel|>commentary json<|message|>{{ c.arguments | tojson }}<|call|>")]
    [InlineData("functionary-3.2", "{{ '>>>all\n' + m.content }}{{ '>>>' + c.name + '\n' + c.arguments }}")]
    [InlineData("functionary", "<function={{ c.name }}>{{ c.arguments }}</function>")]
    [InlineData("apertus", "<|tools_prefix|>[{\"{{ c.name }}\": {{ c.arguments }}}]<|tools_suffix|>")]
    [InlineData("hermes", "<tools></tools><tool_call>\n{\"name\": {{ c.name }}, \"arguments\": {{ c.arguments | tojson }}}\n</tool_call>")]
    [InlineData(null, "{{ m.content }}")]
    public void By_its_marks(string? name, string template) => Assert.Equal(name, ToolFormats.Find(template)?.Name);

    [Fact]
    public void Each_has_a_name_of_its_own_and_is_whole()
    {
        Assert.Equal(ToolFormats.All.Count(), ToolFormats.All.Select(f => f.Name).Distinct().Count());
        Assert.All(ToolFormats.All, f => Assert.True(f.IsWhole, f.Name));
    }
}
