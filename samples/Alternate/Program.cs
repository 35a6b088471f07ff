// Two models resident at once; ten requests go to one and the other. What does the switch cost?
using Alternate;
using Samples;
using VAI;
using VAI.Bench;

if (args.Length is not (0 or 2))
{
    Console.Error.WriteLine("Give two GGUF files, or nothing to have two made.");
    return 2;
}

using var cancel = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    cancel.Cancel();
};

try
{
    (BenchModel first, BenchModel second) = args.Length == 2
        ? BenchModel.FromFiles(args[0], args[1])
        : (new BenchModel("fast", await Models.SmallAsync(1, cancel.Token)), new BenchModel("deep", await Models.SmallAsync(2, cancel.Token)));
    await using IVai vai = Vai.Create(o => o.AddModel(first.Name, first.File).AddModel(second.Name, second.File));
    await Demo.LoadAsync(vai, [first.Name, second.Name], cancel.Token);
    await Demo.WarmUpAsync(vai, cancel.Token);
    await Demo.AlternateAsync(vai, cancel.Token);
    await Demo.MeasureAsync(vai, first, second, cancel.Token);
    return 0;
}
catch (OperationCanceledException)
{
    return 130;
}
catch (VaiException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
