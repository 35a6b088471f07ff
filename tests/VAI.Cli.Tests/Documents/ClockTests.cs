using System.Text.RegularExpressions;

namespace VAI.Cli.Tests.Documents;

/// <summary>Machines set their clocks while programs run: what waits, ends or is ordered asks the monotonic clock.</summary>
public sealed partial class ClockTests
{
    // What says when something was made, to who reads it, and what templates write.
    private static readonly string[] Stamps =
    [
        "VaiChatClient.cs", "VaiEmbeddingGenerator.cs", "PythonTime.cs", "ChatTemplate.cs", "Machine.cs", "LeaseTable.cs", "RomBurner.cs", "AnswerDocument.cs", "OpenAiApi.cs",
    ];

    [Fact]
    public void Nothing_waits_by_the_wall_clock()
    {
        string[] asking =
        [
            .. Directory.EnumerateFiles(Path.Combine(Documentation.Root, "src"), "*.cs", SearchOption.AllDirectories)
                .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && WallClock().IsMatch(File.ReadAllText(f)))
                .Select(f => Path.GetFileName(f)),
        ];
        Assert.True(
            Stamps.Order(StringComparer.Ordinal).SequenceEqual(asking.Order(StringComparer.Ordinal)),
            $"The wall clock is asked in [{string.Join(", ", asking.Except(Stamps))}], not listed here, and no more in [{string.Join(", ", Stamps.Except(asking))}]. "
            + "What measures takes Stopwatch.GetTimestamp; what says when something was made is listed here.");
    }

    [GeneratedRegex(@"\b(UtcNow|GetUtcNow|GetLocalNow|DateTime(Offset)?\.Now|Date(Only|Time)\.Today|Environment\.TickCount)\b")]
    private static partial Regex WallClock();
}
