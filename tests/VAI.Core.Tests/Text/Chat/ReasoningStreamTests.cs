using System.Text;
using VAI.Text.Chat;

namespace VAI.Core.Tests.Text.Chat;

/// <summary>What a model thinks is told from what it answers, however its text comes in pieces.</summary>
public sealed class ReasoningStreamTests
{
    private static readonly ReasoningFormat Think = new("<think>", "</think>");
    private static readonly ReasoningFormat Channels = new("<|channel|>analysis<|message|>", "<|end|>") { Answer = "<|start|>assistant<|channel|>final<|message|>" };

    private static readonly string[] Pieces =
    [
        "a", "word ", " ", "\n", "\n\n", "<", "</", "<think", "think>", "</thin", "<|", "|>", "😀", "é", "end|>", "if x < y and y > z: return", "</ think>", "<b>", ".",
    ];

    [Theory]
    [InlineData(false, "<think>\nAB\n</think>\n\nCD", "AB", "CD")]
    [InlineData(true, "AB</think>CD", "AB", "CD")]
    [InlineData(true, "AB", "AB", "")]
    [InlineData(true, "</think>CD", "", "CD")]
    [InlineData(false, "CD <think>E</think>", "", "CD <think>E</think>")]
    [InlineData(false, "", "", "")]
    [InlineData(false, "<thi", "", "<thi")]
    [InlineData(false, "  \n<think>A</think>C</think>", "A", "C</think>")]
    [InlineData(true, "a </thin", "a </thin", "")]
    public void Marks_are_in_neither(bool begins, string said, string thought, string answer)
    {
        for (int chars = 1; chars <= said.Length + 1; chars++)
            Assert.Equal((thought, answer), Read(Think, begins, said.Chunk(chars).Select(c => new string(c))));
    }

    [Theory]
    [InlineData("<|channel|>analysis<|message|>AB<|end|><|start|>assistant<|channel|>final<|message|>CD", "AB", "CD")]
    [InlineData("<|channel|>final<|message|>CD", "", "CD")]
    [InlineData("<|channel|>analysis<|message|>A<|end|><|start|>assistant<|channel|>analysis<|message|>B<|end|><|start|>assistant<|channel|>final<|message|>C", "AB", "C")]
    [InlineData("plain", "", "plain")]
    public void Formats_with_a_header_for_each_part_are_read(string said, string thought, string answer)
    {
        for (int chars = 1; chars <= said.Length; chars++)
            Assert.Equal((thought, answer), Read(Channels, false, said.Chunk(chars).Select(c => new string(c))));
    }

    [Theory]
    [InlineData(false, "", "<think>a</think>b", "a", "b")]
    [InlineData(false, "<think>", "a</think>b", "a", "b")]
    [InlineData(false, "<think>a", "</think>b", "a", "b")]
    [InlineData(false, "<think>a</think>", "b", "a", "b")]
    public void White_space_without_end_is_not_looked_at_again_with_each_token(bool begins, string before, string behind, string thought, string answer)
    {
        string[] pieces = [before, .. Enumerable.Repeat(" \n", 200_000), behind];
        foreach (ReasoningFormat format in new[] { Think, Channels })
        {
            string[] own = [.. pieces.Select(p => p.Replace(Think.Open, format.Open, StringComparison.Ordinal).Replace(Think.Close, format.Close + format.Answer, StringComparison.Ordinal))];
            long start = GC.GetAllocatedBytesForCurrentThread();
            Assert.Equal((thought, answer), Read(format, begins, own));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - start, 0, 200 << 20);
        }
    }

    [Fact]
    public void Ten_thousand_answers_in_random_pieces_are_never_mixed()
    {
        int seed = TestVariables.Seed();
        var random = new Random(seed);
        for (int i = 0; i < 10_000; i++)
        {
            ReasoningFormat format = random.Next(4) == 0 ? Channels : Think;
            bool begins = random.Next(2) == 0, thinks = begins || random.Next(4) > 0;
            string thought = Script(random, format.Close), answer = Script(random, format.Close).TrimStart();
            string said = format == Think
                ? $"{(thinks ? begins ? "" : "<think>" : "")}{thought}{(thinks ? "</think>\n\n" : "")}{answer}"
                : thinks ? $"{(begins ? "" : format.Open)}{thought}{format.Close}{format.Answer}{answer}" : $"<|channel|>final<|message|>{answer}";
            if (format == Think && !thinks)
                (answer, thought) = ((thought + answer).TrimStart(), "");
            if (!thinks && (format == Channels || answer.StartsWith("<think", StringComparison.Ordinal)))
                (thought, said) = ("", format == Channels ? said : answer = "x" + answer);
            (string Thought, string Answer) read = Read(format, begins && thinks, Cut(said, random));
            Assert.True((thought.Trim(), answer) == (read.Thought, read.Answer), $"seed {seed}, answer {i}: {said}");
        }
    }

    [Fact]
    public void A_mark_that_is_a_token_is_matched_by_its_id_alone()
    {
        var stream = new ReasoningStream(Think, begins: true, openToken: 7, closeToken: 8);
        Assert.Equal(("it ends with </think>", InferenceUpdateKind.Reasoning), stream.Append("it ends with </think>", token: 1));
        Assert.Equal("", stream.Append("", "</think>", token: 8).Text);
        Assert.Equal(("Yes: <think>", InferenceUpdateKind.Answer), stream.Append("\n\nYes: <think>", token: 2));
    }

    [Theory]
    [InlineData("\n")]
    [InlineData(" ")]
    [InlineData("")]
    public void White_space_before_a_mark_that_is_a_token_is_no_answer(string before)
    {
        var stream = new ReasoningStream(Think, begins: false, openToken: 7, closeToken: 8);
        Assert.Equal("", stream.Append(before, token: 1).Text);
        stream.Append("<think>", token: 7);
        Assert.True(stream.IsInside);
        Assert.Equal(("hm", InferenceUpdateKind.Reasoning), stream.Append("\nhm", token: 2));
        stream.Append("</think>", token: 8);
        Assert.Equal(("Yes", InferenceUpdateKind.Answer), stream.Append("\n\nYes", token: 3));
    }

    [Fact]
    public void Control_tokens_that_are_no_marks_are_in_neither()
    {
        var stream = new ReasoningStream(Think, begins: false);
        Assert.Equal("", stream.Append("", "<|im_start|>", 5).Text);
        Assert.Equal("", stream.Append("<think>").Text);
        Assert.Equal(("a", InferenceUpdateKind.Reasoning), stream.Append("a"));
        Assert.Equal("", stream.Append("", "<|box|>", 6).Text);
        Assert.Equal(("b", InferenceUpdateKind.Reasoning), stream.Append("b"));
        Assert.Equal("", stream.Append("</think>").Text);
        Assert.Equal("", stream.Append("", "<|box|>", 6).Text);
        Assert.Equal(("c", InferenceUpdateKind.Answer), stream.Append("c"));
    }

    [Fact]
    public void A_control_token_that_begins_an_answer_is_kept_where_calls_have_such_marks()
    {
        var stream = new ReasoningStream(Think, begins: false, openToken: 7, closeToken: 8, keepsMarks: true);
        Assert.Equal(("[TOOL_CALLS]", InferenceUpdateKind.Answer), stream.Append("", "[TOOL_CALLS]", 9));
        Assert.True(stream.IsAnswer);
    }

    private static string Script(Random random, string close)
    {
        var text = new StringBuilder();
        for (int i = random.Next(12); i > 0; i--)
            text.Append(Pieces[random.Next(Pieces.Length)]);
        return text.ToString().Replace(close, "", StringComparison.Ordinal).Replace(close, "", StringComparison.Ordinal);
    }

    private static IEnumerable<string> Cut(string text, Random random)
    {
        for (int at = 0; at < text.Length;)
        {
            int length = Math.Min(text.Length - at, random.Next(1, 9));
            yield return text.Substring(at, length);
            at += length;
        }
    }

    private static (string Thought, string Answer) Read(ReasoningFormat format, bool begins, IEnumerable<string> pieces)
    {
        var stream = new ReasoningStream(format, begins);
        var thought = new StringBuilder();
        var answer = new StringBuilder();
        foreach (string piece in pieces)
        {
            Add(stream.Append(piece));
            while (stream.HasMore)
                Add(stream.Append(""));
        }

        Add(stream.Finish(""));
        return (thought.ToString(), answer.ToString());

        void Add((string Text, InferenceUpdateKind Kind) part) => (part.Kind == InferenceUpdateKind.Reasoning ? thought : answer).Append(part.Text);
    }
}
