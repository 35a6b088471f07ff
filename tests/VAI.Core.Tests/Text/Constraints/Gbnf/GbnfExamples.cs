namespace VAI.Core.Tests.Text.Constraints.Gbnf;

/// <summary>Grammars such as people have, written for these tests.</summary>
internal static class GbnfExamples
{
    public const string Json = """
        root   ::= object
        value  ::= object | array | string | number | ("true" | "false" | "null") ws
        object ::= "{" ws ( member ("," ws member)* )? "}" ws
        member ::= string ":" ws value
        array  ::= "[" ws ( value ("," ws value)* )? "]" ws
        string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
        number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]+)? ([eE] [-+]? [0-9]{1,15})? ws
        # at most one line
        ws     ::= | " " | "\n" [ \t]{0,20}
        """;

    // As they were written before there were counts, and with each character a rule.
    public const string OldJson = """
        root   ::= object
        value  ::= object | array | string | number | boolean | "null" ws
        boolean ::= ("true" | "false") ws
        object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}" ws
        array  ::= "[" ws (value ("," ws value)*)? "]" ws
        string ::= "\"" chars "\"" ws
        chars  ::= char chars | ""
        char   ::= [^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" hex hex hex hex)
        hex    ::= [0-9a-fA-F]
        number ::= "-"? int frac? ws
        int    ::= [0-9] | [1-9] int-rest
        int-rest ::= [0-9] int-rest | [0-9]
        frac   ::= "." int-rest
        ws     ::= ([ \t\n] ws)?
        """;

    public const string Arithmetic = """
        root  ::= (expr "=" ws term "\n")+
        expr  ::= term ([-+*/] term)*
        term  ::= ident | num | "(" ws expr ")" ws
        ident ::= [a-z] [a-z0-9_]* ws
        num   ::= [0-9]+ ws
        ws    ::= [ \t\n]*
        """;

    public const string Chess = """
        # pairs of moves
        root    ::= "1. " move " " move "\n" ([1-9] [0-9]? ". " move " " move "\n")+
        move    ::= (pawn | nonpawn | castle) [+#]?
        nonpawn ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
        pawn    ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBKQR])?
        castle  ::= "O-O" "-O"?
        """;

    public const string List = """
        root ::= item+

        # no line is empty
        item ::= "- " [^\r\n\x0b\x0c\x85\u2028\u2029]+ "\n"
        """;

    public const string C = """
        root        ::= declaration+
        declaration ::= type ident "(" parameter? ")" "{" statement* "}" space
        type        ::= ("int" | "float" | "char") space
        ident       ::= [a-zA-Z_] [a-zA-Z_0-9]*
        parameter   ::= type ident
        statement   ::= ( type ident ws "=" ws sum ";"
                        | ident ws "=" ws sum ";"
                        | ident ws "(" arguments? ")" ";"
                        | "return" ws sum ";"
                        | "while" "(" condition ")" "{" statement* "}"
                        | "if" "(" condition ")" "{" statement* "}" ("else" "{" statement* "}")?
                        | "//" [^\n]* "\n" ) space?
        condition   ::= sum ws ("<=" | "<" | "==" | "!=" | ">=" | ">") ws sum
        sum         ::= product (ws ("+" | "-") ws product)*
        product     ::= unary (ws ("*" | "/") ws unary)*
        unary       ::= "-"? primary
        primary     ::= number | ident | ident "(" arguments? ")" | "(" ws sum ws ")"
        arguments   ::= sum (ws "," ws sum)*
        number      ::= [0-9]+
        ws          ::= [ \t\n]{0,8}
        space       ::= [ \t\n]{1,8}
        """;

    /// <summary>As <c>maxLength</c> and <c>maxItems</c> become in grammars that are made of schemas.</summary>
    public const string OfSchema = """
        root  ::= "{" space "\"name\"" space ":" space name "," space "\"tags\"" space ":" space tags "}" space
        name  ::= "\"" char{1,3000} "\"" space
        tags  ::= "[" space (tag ("," space tag){0,99})? "]" space
        tag   ::= "\"" char{0,5} "\"" space
        char  ::= [^"\\\x7F\x00-\x1F] | [\\] (["\\bfnrt] | "u" [0-9a-fA-F]{4})
        space ::= | " " | "\n" [ \t]{0,20}
        """;

    public static IReadOnlyDictionary<string, (string Source, string[] Texts, string[] Others)> All { get; } = new Dictionary<string, (string, string[], string[])>
    {
        ["json"] = (Json,
            ["{}", """{"a": 1}""", "{\"a\":[1,2.5,-3e+10,{\"b\": \"\\u00e9\\n\"}],\n  \"c\":null}", "{ }\n\t", """{"😀":[[[[true]]]]}"""],
            ["", "[]", "{", """{"a":1,}""", """{"a":01}""", "{\"a\":\"\n\"}", """{"a":"\q"}""", """{'a':1}""", "{}  "]),
        ["old json"] = (OldJson,
            ["{}", """{"a": 1}""", "{ \"a\" : [ 1 , 2.50 , -3 , {\"b\": \"\\u00e9\\n\"} ] ,\n\n\t  \"c\":null}\n\n", """{"😀":[[[[true]]]]}"""],
            ["", "[]", """{"a":1,}""", """{"a":01}""", "{\"a\":\"\n\"}", """{"a":"\u00g0"}"""]),
        ["arithmetic"] = (Arithmetic,
            ["1=1\n", "x+y_1 *(2 -(3)) = z\n4=4\n", "((((((((((((1))))))))))))= 2\n"],
            ["", "1=1", "1+=1\n", "(1=1\n", "X=1\n", "1=1+1\n"]),
        ["chess"] = (Chess,
            ["1. e4 e5\n2. Nf3 Nc6\n", "1. d4 Nf6\n2. O-O O-O-O+\n12. exd5 Qxd5#\n3. e8=Q Nbd7\n"],
            ["", "1. e4 e5\n", "1. e4 e5\n2. Nf3\n", "1. e9 e5\n2. a1 a1\n", "1. e4 e5\n2. O-O-O-O e4\n"]),
        ["list"] = (List, ["- a\n", "- one thing\n- é😀\n"], ["", "a\n", "- \n", "- a", "- a\u2028\n", "- a\n\n"]),
        ["c"] = (C,
            ["int main(){return 0;} ", "float f(int x){int y = x * (1 + -g(x, 2)); while(y<=10){y = y + 1;} if(a==b){}else{//c\n} f(); } int g(){} ", "int a(){x=((((((((((1))))))))));} "],
            ["", "int main()", "int main(){return;} ", "int 1a(){} ", "int a(){x=1}", "int a(){if(a){}} ", "double a(){} "]),
        ["schema"] = (OfSchema,
            ["""{"name":"x","tags":[]}""", $$"""{"name": "{{new string('é', 3000)}}", "tags": ["a", "\u00e9bcde"]}"""],
            ["""{"name":"","tags":[]}""", $$"""{"name":"{{new string('a', 3001)}}","tags":[]}""", """{"name":"x","tags":["abcdef"]}""", """{"tags":[],"name":"x"}"""]),
    };
}
