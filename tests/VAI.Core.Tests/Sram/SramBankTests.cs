using FsCheck.Xunit;
using VAI.Sram;

namespace VAI.Core.Tests.Sram;

public sealed class SramBankTests
{
    private const int Lines = 5;

    /// <summary>Against a set of cells per line, each cell an object of its own, as llama.cpp has them.</summary>
    [Property(MaxTest = 300)]
    public void Cells_are_counted_as_llama_counts_them(int seed)
    {
        var random = new Random(seed);
        foreach (bool pooled in (bool[])[true, false])
        {
            var bank = new SramBank(100_000, Lines, pooled);
            List<object>[] cells = [.. Enumerable.Range(0, Lines).Select(_ => new List<object>())];
            for (int i = 0; i < 300; i++)
            {
                int at = random.Next(Lines), other = random.Next(Lines);
                SramLine line = bank.Lines[at];
                switch (random.Next(3))
                {
                    case 0:
                        int[] entries = [.. Enumerable.Range(0, 1 + random.Next(8)).Select(_ => random.Next(1000))];
                        bank.Extend(line, entries);
                        cells[at].AddRange(entries.Select(_ => new object()));
                        break;
                    case 1:
                        int length = random.Next(cells[at].Count + 1);
                        bank.Truncate(line, length);
                        cells[at].RemoveRange(length, cells[at].Count - length);
                        break;
                    case 2 when at != other:
                        bank.Truncate(line, 0);
                        int shared = random.Next(cells[other].Count + 1);
                        bank.Share(bank.Lines[other], line, shared);
                        cells[at] = [.. cells[other].Take(shared).Select(c => pooled ? c : new object())];
                        Assert.Equal(bank.Lines[other].Tokens.Take(shared), line.Tokens);
                        break;
                }

                line.Use = (LineUse)random.Next(3);
                Assert.Equal(cells[at].Count, line.Tokens.Count);
                Assert.Equal(cells.SelectMany(c => c).Distinct().Count(), bank.CellsUsed);
                foreach (LineUse use in Enum.GetValues<LineUse>())
                {
                    Assert.Equal(
                        Enumerable.Range(0, Lines).Where(l => bank.Lines[l].Use == use).SelectMany(l => cells[l]).Distinct().Count(),
                        bank.CellsOf(use));
                }
            }

            foreach (SramLine line in bank.Lines)
                bank.Truncate(line, 0);
            Assert.Equal(0, bank.CellsUsed);
        }
    }
}
