namespace VAI.Core.Tests.Text.Constraints.Surviving;

/// <summary>What somebody sends who wants the daemon's time or memory, or whose program went wrong. By name. In schemas ' stands for a quotation mark.</summary>
internal static class HostileConstraints
{
    public static IReadOnlyDictionary<string, Func<Constraint>> All { get; } = new Dictionary<string, Func<Constraint>>
    {
        ["30,000 nested parentheses"] = () => Constraint.Regex(new string('(', 30_000) + new string(')', 30_000)),
        ["30,000 nested parentheses in a schema"] = () => Schema("{'type':'string','pattern':'" + new string('(', 30_000) + new string(')', 30_000) + "'}"),
        ["100,000 nested brackets"] = () => Schema(new string('[', 100_000)),
        ["a string of 10^9 characters"] = () => Schema("{'type':'string','minLength':999999999,'maxLength':1000000000}"),
        ["an array of 10^9 items"] = () => Schema("{'type':'array','minItems':999999999,'maxItems':1000000000}"),
        ["10^5 enum strings"] = () => Schema("{'enum':[" + Join(100_000, i => $"'n{i}'") + "]}"),
        ["10^5 enum numbers"] = () => Schema("{'enum':[" + Join(100_000, i => $"{i}") + "]}"),
        ["10^5 enum lists"] = () => Schema("{'enum':[" + Join(100_000, i => $"[{i}]") + "]}"),
        ["20,000 objects beside keywords"] = () => Schema("{'enum':[" + Join(20_000, i => "{'a':" + i + "}") + "],'properties':{'a':{'type':'integer'}}}"),
        ["enums that are put together"] = () => Schema("{'allOf':[" + Numbers(40_000, "") + "," + Numbers(40_000, ".5") + "]}"),
        ["enums that must differ"] = () => Schema("{'oneOf':[" + Numbers(40_000, "") + "," + Numbers(40_000, ".5") + "]}"),
        ["lists that are much alike"] = () => Schema("{'oneOf':[" + Lists(400, "") + "," + Lists(400, ".5") + "]}"),
        ["choices of choices that must differ"] = () =>
            Schema("{'oneOf':[" + Join(400, i => "{'anyOf':[" + Join(80, j => "{'const':" + ((i * 80) + j) + "}") + "]}") + "]}"),
        ["512 objects that must differ"] = () =>
            Schema("{'oneOf':[" + Join(512, i => "{'type':'object','properties':{'k':{'const':'v" + i + "'}},'required':['k']}") + "]}"),
        ["values and 512 alternatives"] = () => Schema("{'enum':[" + Join(50_000, i => $"{i}") + "],'anyOf':[" + Join(512, _ => "{}") + "]}"),
        ["512 alternatives and values"] = () =>
            Schema("{'anyOf':[" + Join(512, i => "{'title':'" + i + "'}") + "],'$ref':'#/$defs/e','$defs':{'e':{'enum':[" + Join(50_000, i => $"'{i}'") + "]}}}"),
        ["values that refer to themselves"] = () => Schema("{'enum':[{'a':1},{'a':{'a':1}}],'properties':{'a':{'$ref':'#'}}}"),
        ["1,000 lists of values beside patterns"] = () =>
            Schema("{'prefixItems':[" + Join(1_000, i => "{'enum':[{'x" + i + "':1}],'patternProperties':{'(a|b)*a(a|b){10}':true,'" + i + "$':{'type':'integer'}}}") + "]}"),
        ["a long value compared with 500 lengths"] = () => Schema(
            "{'enum':[['" + new string('a', 500_001) + "'],['a']],'anyOf':[" + Join(500, i => "{'items':{'type':'string','maxLength':" + (499_999 - i) + "}}") + "]}"),
        ["40 choices of three together"] = () => Schema("{'allOf':[" + Join(40, _ => "{'anyOf':[{'type':'string'},{'type':'integer'},{'type':'null'}]}") + "]}"),
        ["references to itself"] = () => Schema("{'allOf':[{'$ref':'#'}],'anyOf':[{'$ref':'#'},{'$ref':'#'}]}"),
        ["references in a circle"] = () => Schema("{'$ref':'#/$defs/d0','$defs':{" + Join(5_000, i => $"'d{i}':{{'$ref':'#/$defs/d{(i + 1) % 5_000}'}}") + "}}"),
        ["a chain of 15,000 references"] = () => Chain(15_000, (i, next) => next),
        ["a chain of 15,000 lists"] = () => Chain(15_000, (i, next) => "{'items':" + next + "}"),
        ["a chain of 10,000 objects"] = () => Chain(10_000, (i, next) => "{'type':'object','required':['n'],'properties':{'n':" + next + "}}"),
        ["a chain of 8,000 lists in no order"] = () => Chain(8_000, (i, next) => "{'type':'array','minItems':1,'items':" + next + "}", i => (int)(i * 4_001L % 8_000)),
        ["30,000 properties"] = () => Schema("{'type':'object','properties':{" + Join(30_000, i => "'property" + i + "':{'type':'string'}") + "}}"),
        ["30,000 properties of anything"] = () =>
            Schema("{'type':'object','properties':{" + Join(30_000, i => "'p" + i + "':{}") + "},'required':[" + Join(30_000, i => $"'p{i}'") + "]}"),
        ["4,000 properties"] = () => Schema(
            "{'type':'object','additionalProperties':false,'properties':{" + Join(4_000, i => "'property" + i + "':{'type':['string','null'],'description':'The " + i + "th'}")
            + "},'required':[" + Join(4_000, i => $"'property{i}'") + "]}"),
        ["15,000 small objects"] = () => Schema(
            "{'anyOf':[" + Join(500, i => "{'type':'object','properties':{" + Join(30, j => "'p" + i + "_" + j + "':{'type':'object','properties':{'x':{}}}") + "}}") + "]}"),
        ["1 MiB of descriptions"] = () => Schema("{'description':'" + new string('x', (1 << 20) - 100) + "'}"),
        ["1 MiB of schemas that nobody refers to"] = () => Schema("{'type':'null','$defs':{" + Join(38_000, i => "'d" + i + "':{'type':'null'}") + "}}"),
        ["1 MiB of types"] = () => Schema("{'type':[" + Join(120_000, _ => "'null'") + "]}"),
        ["1 MiB of required names"] = () => Schema("{'type':'object','required':[" + Join(100_000, i => $"'n{i}'") + "]}"),
        ["3,000 patterns of names"] = () => Schema("{'type':'object','patternProperties':{" + Join(3_000, i => $"'a{i}b*':{{}}") + "}}"),
        ["40 patterns of names that overlap"] = () =>
            Schema("{'type':'object','patternProperties':{" + Join(40, i => $"'{(char)('a' + (i % 26))}.*{(char)('a' + (i * 7 % 26))}{i}?':{{}}") + "}}"),
        ["500 patterns"] = () => Schema("{'anyOf':[" + Join(500, i => "{'type':'string','pattern':'^(x+x+)+y.{" + i + "}$'}") + "]}"),
        ["a pattern that blows up"] = () => Schema("{'type':'string','pattern':'.*a.{30}'}"),
        ["a pattern that repeats alternatives"] = () => Constraint.Regex("(a|aa){1,100000}"),
        ["a pattern beside a length"] = () => Schema("{'type':'string','pattern':'(x+x+)+y','minLength':99999,'maxLength':100000}"),
        ["1 MiB of a pattern"] = () => Constraint.Regex(string.Concat(Enumerable.Repeat("[a-z]?", 170_000))),
        ["1 MiB of alternatives"] = () => Constraint.Regex(string.Join('|', Enumerable.Range(0, 150_000))),
        ["multiples of large numbers"] = () => Schema("{'anyOf':[" + Join(100, i => "{'type':'integer','multipleOf':" + (19_000 + i) + ",'minimum':" + i + "}") + "]}"),
        ["negations of negations"] = () => Schema(Deep("{'not':", "{'type':'null'}", "}", 60)),
        ["conditions within conditions"] = () => Schema(Deep("{'if':{'type':'string'},'else':", "{'type':'null'}", "}", 60)),
        ["choices of all again"] = () => Schema(Deep("{'anyOf':[{'type':'string'},{'type':'array','items':{'$ref':'#'}},", "{'type':'null'}", "]}", 25)),
        ["2,000 properties with patterns"] = () =>
            Schema("{'type':'object','properties':{" + Join(2_000, i => "'p" + i + "':{'type':'string','pattern':'^[a-z]{1," + ((i % 60) + 1) + "}[0-9]+" + i + "$'}") + "}}"),
        ["3,000 properties with formats"] = () =>
            Schema("{'type':'object','properties':{" + Join(3_000, i => "'p" + i + "':{'type':'string','format':'" + (i % 2 == 0 ? "uri" : "date-time") + "'}") + "}}"),
        ["1,000 items of objects"] = () =>
            Schema("{'type':'array','prefixItems':[" + Join(1_000, i => "{'type':'object','properties':{'a" + i + "':{'type':'array','items':{'type':'object','properties':{'b':{}}}}}}") + "]}"),
        ["500 schemas together"] = () =>
            Schema("{'allOf':[" + Join(500, i => "{'properties':{'p" + i + "':{'type':'string'}},'required':['p" + i + "']}") + "]}"),
        ["choices of what was chosen from"] = () => Schema(
            "{'$ref':'#/$defs/d0','$defs':{" + Join(200, i => "'d" + i + "':{'anyOf':[{'$ref':'#/$defs/d" + (i + 1) + "'},{'type':'array','items':{'$ref':'#/$defs/d" + (i + 1) + "'}}]}") + ",'d200':{}}}"),
        ["numbers beside bounds"] = () => Schema("{'enum':[" + Join(60_000, i => $"{i}.25") + "],'minimum':100,'multipleOf':0.25}"),
        ["a string of 10^6 characters"] = () => Schema("{'const':'" + new string('x', 1_000_000) + "'}"),
        ["long names at depth"] = () => Schema(Deep("{'properties':{'" + new string('n', 30_000) + "':", "{}", "}}", 30)),
    };

    private static Constraint Schema(string schema) => Constraint.JsonSchema(schema.Replace('\'', '"'));

    private static Constraint Chain(int length, Func<int, string, string> of, Func<int, int>? place = null)
    {
        string[] links = new string[length];
        place ??= i => i;
        for (int i = 0; i < length; i++)
            links[place(i)] = $"'d{place(i)}':{of(i, i + 1 < length ? $"{{'$ref':'#/$defs/d{place(i + 1)}'}}" : "{'type':'null'}")}";
        return Schema($"{{'$ref':'#/$defs/d{place(0)}','$defs':{{{string.Join(',', links)}}}}}");
    }

    private static string Numbers(int count, string behind) => "{'enum':[" + Join(count, i => i + behind) + "]}";

    private static string Lists(int count, string behind) => "{'enum':[" + Join(count, i => "[" + Join(400, _ => "0") + "," + i + behind + "]") + "]}";

    private static string Join(int count, Func<int, string> of) => string.Join(',', Enumerable.Range(0, count).Select(of));

    private static string Deep(string open, string middle, string close, int depth) =>
        string.Concat(Enumerable.Repeat(open, depth)) + middle + string.Concat(Enumerable.Repeat(close, depth));
}
