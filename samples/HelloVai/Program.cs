// One model, one answer. Give a GGUF file, or nothing to have one with random weights made.
using Samples;
using VAI;

string file = args.Length > 0 ? args[0] : await Models.SmallAsync(seed: 1);
await using IVai vai = Vai.Create(o => o.AddModel("hello", file));
await vai.LoadAsync("hello");

await using IInferenceSession session = vai.Select("hello").OpenSession();
await foreach (InferenceUpdate update in session.InferAsync("Write a Verilog AND gate.", new InferenceOptions { MaxTokens = 64 }))
{
    Console.Write(update.Text);
    if (update.Result is { } r)
    {
        Console.WriteLine();
        Console.WriteLine($"{r.GeneratedTokens} tokens, the first after {r.FirstTokenTime.TotalMilliseconds:F1} ms, {r.TokensPerSecond:F1} tok/s");
    }
}
