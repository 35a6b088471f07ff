namespace VAI.Forge.Vocabulary;

/// <summary>The words and syllables that generated pieces are made of.</summary>
internal static class Lexicon
{
    /// <summary>Words of English and of Verilog, the most useful first.</summary>
    public static IReadOnlyList<string> Words { get; } =
        ("the of and to in is that it for on with as are this be by from or at an not write Verilog AND gate module input "
        + "output wire reg assign always begin end if else case endcase endmodule posedge negedge clk reset counter adder "
        + "OR NOT XOR signal test bench bit logic circuit design code function return Write Explain what how why when "
        + "which where hello world please make show list name time number value data state machine memory register "
        + "model token text prompt user assistant system you can will have has was but all one two use example simple "
        + "about into more other some than then there they your new each first line word first file open read close "
        + "initial parameter integer real task fork join while repeat default generate genvar localparam inout tri "
        + "supply posit clock enable full empty shift left right half mux flip flop latch decoder encoder buffer "
        + "string char int void class public static true false null for let var const import def self print").Split(' ')
        .Distinct().ToArray();

    /// <summary>Pieces of source text that are worth a token.</summary>
    public static IReadOnlyList<string> Marks { get; } =
        ["  ", "    ", "==", "!=", "<=", ">=", "&&", "||", "//", "();", "):", "...", "--"];

    /// <summary>Onset, vowel and, mostly, coda; all different.</summary>
    public static IReadOnlyList<string> Syllables { get; } =
        (from coda in "_ n r s t l m d st nd ng k p ck".Split(' ')
         from vowel in "a e i o u ea ou ai oo y".Split(' ')
         from onset in "b c d f g h l m n p r s t v w br ch cl cr dr fl fr gr pl pr sh sp st th tr wh qu j k z".Split(' ')
         select onset + vowel + (coda == "_" ? "" : coda)).Distinct().ToArray();
}
