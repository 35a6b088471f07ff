using VAI.Daemon.Admission;
using VAI.Daemon.Api;
using VAI.Daemon.OpenAi;
using VAI.Native.Gguf;
using VAI.Native.Llama;
using VAI.Native.Registry;
using VAI.Native.Source;

namespace VAI.Cli.Tests.Documents;

/// <summary>The page of limits has the numbers that the code has.</summary>
public sealed class LimitsTests
{
    [Fact]
    public void A_number_of_the_page_is_the_one_that_holds()
    {
        var o = new AdmissionOptions();
        string[] rows =
        [
            $"| sessions in SRAM at once | 1 to 256, by default {new ModelOptions { Name = "m", File = "f" }.MaxSessions}; any number may be open |",
            $"| a text in one call | {Mebibytes(LlamaVocab.MaxTextBytes)} as UTF-8, of any characters; a word of over 32 Ki characters may be cut |",
            $"| GGUF header | {Mebibytes(GgufLimits.MaxHeaderBytes)}, {GgufLimits.MaxKeys} keys, {GgufLimits.MaxTensors} tensors, "
                + $"{Mebibytes(GgufLimits.MaxAllKeyBytes)} of keys, {GgufLimits.MaxTensorNameBytes} bytes in a tensor's name |",
            $"| parts of a model | {GgufSplit.MaxParts} |",
            $"| ROMs in a directory | {RegistryLayout.EntryCount} names |",
            $"| requests that compute at once | {o.MaxActive} |",
            $"| requests that wait behind them | {o.MaxWaiting} |",
            $"| open sessions | {o.MaxSessionsPerClient} of a client, {AdmissionOptions.MostSessions} in all |",
            $"| an unused session whose client holds no lease | {o.SessionIdle.TotalMinutes} minutes |",
            $"| saved sessions | {SavedSessions.MostOfOwner} of a user or key; one that a client sends, {o.MaxSessionBytes >> 30} GiB |",
            $"| the body of a request under `/v1` | {Mebibytes(new OpenAiOptions().MaxRequestBytes)}, and JSON no deeper than 80 |",
            $"| the same under `/vai` (`UseDaemon()`) | {Mebibytes(o.MaxBodyBytes)}, in which a character beyond ASCII takes six bytes or more |",
            $"| bodies of requests that wait | {Mebibytes(o.MaxHeldBytes)}, a quarter of them one client's |",
            $"| open connections | {o.MaxConnections} |",
            $"| a connection over TCP | a request that is let in within {o.FirstRequestTimeout.TotalSeconds} seconds; where keys are needed "
                + $"{o.MaxUnknownConnections} wait for that, {o.MaxUnknownPerAddress} of an address |",
            $"| a request's headers | 32 KiB, within {o.HeaderTimeout.TotalSeconds} seconds |",
            $"| an idle connection | {o.IdleTimeout.TotalMinutes} minutes |",
            $"| a reader that takes nothing | {o.SlowReaderTimeout.TotalSeconds} seconds |",
        ];
        Assert.Equal([], rows.Except(File.ReadLines(Path.Combine(Documentation.Root, "docs", "limits.md"))));
    }

    private static string Mebibytes(long bytes) => $"{bytes >> 20} MiB";
}
