using System.Text;
using VAI.Native.Llama;
using VAI.Native.Text;
using VAI.Residency;
using VAI.Text;

namespace VAI.Core.Tests.Text;

/// <summary>Scripted answers as the tokens of real vocabularies: thoughts, the answer and stop strings do not disturb each other.</summary>
public sealed class GeneratedTextTests(ForgedModels models) : EngineTest(models)
{
    private const int Answers = 2_500;

    private static readonly string[] Words =
        ["a", "word ", " ", "\n", "\n\n", "<", "</", "thin", "😀", "é", "module x;", "STOP", "ST", "OP", "if a < b", ".", "</ think>", "end"];

    [Theory]
    [InlineData("tiny", false)]
    [InlineData("tiny", true)]
    [InlineData("tiny-qwen2", false)]
    [InlineData("tiny-gemma3", false)]
    public async Task What_is_thought_is_never_answered_and_stops_nothing(string shape, bool tokens)
    {
        (IVai vai, IModelContext model) = await LoadAsync(Models[shape]);
        await using IVai _ = vai;
        LlamaVocab vocab = ((ModelContext)model).Model.Vocab;
        ReasoningFormat format = tokens ? Marks(vocab) : new ReasoningFormat("<think>", "</think>");
        int seed = TestVariables.Seed();
        var random = new Random(seed);
        for (int i = 0; i < Answers; i++)
        {
            bool begins = random.Next(2) == 0, thinks = begins || random.Next(3) > 0;
            string thought = Script(random), answer = Script(random).Trim(), stop = random.Next(3) switch { 0 => "STOP", 1 => "\n\n", _ => "</" };
            string lead = begins || random.Next(2) == 0 ? "" : "\n";
            List<int> said = [];
            if (thinks && !begins)
                said.AddRange([.. Text(lead), .. Mark(format.Open)]);
            if (thinks)
                said.AddRange([.. Text(thought), .. Mark(format.Close), .. Text("\n\n")]);
            said.AddRange(Text(answer));

            var options = new InferenceOptions { Reasoning = format, BeginsInReasoning = begins, Stop = [stop] };
            var text = new GeneratedText(options, vocab);
            StringBuilder[] parts = [new(), new()];
            foreach (int token in said.TakeWhile(_ => !text.Stopped))
                Add(text.Append(token));
            Add(text.Finish());
            int at = answer.IndexOf(stop, StringComparison.Ordinal);
            Assert.True(
                ((thinks ? thought : "").Trim(), at < 0 ? answer : answer[..at], at >= 0) == (parts[1].ToString(), parts[0].ToString(), text.Stopped),
                $"seed {seed}, answer {i}: '{thought}' '{answer}' '{stop}' gave '{parts[1]}' '{parts[0]}'");

            void Add((string Text, InferenceUpdateKind Kind) part) => parts[part.Kind == InferenceUpdateKind.Reasoning ? 1 : 0].Append(part.Text);
        }

        int[] Mark(string mark) => vocab.Tokenize(mark, addSpecial: false, parseSpecial: true);
        int[] Text(string text) => vocab.Tokenize(text, addSpecial: false, parseSpecial: false);
    }

    private static ReasoningFormat Marks(LlamaVocab vocab)
    {
        string[] control = [.. Enumerable.Range(0, vocab.Count)
            .Where(t => (vocab.Attributes(t) & TokenAttributes.Control) != 0 && !vocab.IsEndOfGeneration(t) && vocab.Text(t).Length > 1)
            .Select(vocab.Text).Take(2)];
        return new ReasoningFormat(control[0], control[1]);
    }

    private static string Script(Random random)
    {
        var text = new StringBuilder();
        for (int i = random.Next(10); i > 0; i--)
            text.Append(Words[random.Next(Words.Length)]);
        return text.ToString().Replace("</think>", "", StringComparison.Ordinal);
    }
}
