// Four processes, one ROM: what does each of them take, and what do all of them? Give a GGUF file, or nothing to have one made.
using System.Diagnostics;
using Samples;
using SharedAcrossProcesses;
using VAI;

const int Count = 4;
const string Child = "--child", Ready = "ready";

if (args is [Child, var model])
{
    await using IVai vai = Vai.Create(o => o.AddModel("shared", model, m => m.ContextLength = 512));
    await vai.LoadAsync("shared");
    await using IInferenceSession session = vai.Select("shared").OpenSession();
    await foreach (InferenceUpdate _ in session.InferAsync("Write a Verilog AND gate.", new InferenceOptions { MaxTokens = 4 }))
    {
        // The first step touches all of the weights.
    }

    Console.WriteLine(Ready);
    Console.ReadLine();
    return 0;
}

string file = args.Length > 0 ? args[0] : await Models.SmallAsync(seed: 1);
var children = new List<Process>();
try
{
    for (int i = 0; i < Count; i++)
    {
        var stopwatch = Stopwatch.StartNew();
        Process child = Start(file);
        children.Add(child);
        if (await child.StandardOutput.ReadLineAsync() != Ready)
            return 1;
        Console.WriteLine($"process {child.Id} holds the model after {stopwatch.ElapsedMilliseconds} ms{(i == 0 ? ", burning the ROM if there was none" : "")}");
    }

    Memory[] each = [.. children.Select(c => Memory.Of(c.Id))];
    Console.WriteLine();
    Console.WriteLine("                  private      shared");
    for (int i = 0; i < Count; i++)
        Console.WriteLine($"process {children[i].Id,-7} {each[i].Private,6:F1} MiB  {each[i].Shared,6:F1} MiB");
    double apart = each.Sum(m => m.Private + m.Shared);
    Console.WriteLine($"all together    {each.Sum(m => m.Private),6:F1} MiB private and {each.Sum(m => m.Part - m.Private):F1} MiB that they share, {each.Sum(m => m.Part):F1} MiB in all");
    Console.WriteLine($"with copies     {apart,6:F1} MiB, if nothing were shared");
    return 0;
}
finally
{
    foreach (Process child in children)
    {
        child.StandardInput.Close();
        await child.WaitForExitAsync();
        child.Dispose();
    }
}

static Process Start(string file)
{
    // This program again: by itself, or as `dotnet SharedAcrossProcesses.dll`.
    string program = Environment.ProcessPath!;
    string[] self = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(Memory).Assembly.Location] : [];
    return Process.Start(new ProcessStartInfo(program, [.. self, Child, file]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
}
