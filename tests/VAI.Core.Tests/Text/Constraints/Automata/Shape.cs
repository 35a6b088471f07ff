using VAI.Text.Constraints.Automata;

namespace VAI.Core.Tests.Text.Constraints.Automata;

/// <summary>What holds of every automaton.</summary>
internal static class Shape
{
    /// <summary>Every state reaches one that accepts; one that goes on says so; a shortest text is one of the language.</summary>
    public static void Check(Automaton automaton)
    {
        int[] probes = [.. Enumerable.Range(0, 128), 0xE9, 0x3A9, 0x6F22, 0x2028, 0xFEFF, 0x1F600, 0x1D4B3];
        Assert.Equal(automaton.IsEmpty, !automaton.TryShortest(out string shortest));
        Assert.Equal(!automaton.IsEmpty, automaton.Matches(shortest));
        for (int state = 0; state < automaton.StateCount && !automaton.IsEmpty; state++)
        {
            Assert.True(automaton.Accepts(state) || automaton.CanGoOn(state), $"state {state} is a dead end");
            foreach (int probe in probes)
            {
                int next = automaton.Step(state, probe);
                Assert.InRange(next, -1, automaton.StateCount - 1);
                Assert.True(next < 0 || automaton.CanGoOn(state));
            }
        }

        Assert.Equal(Automaton.Dead, automaton.Step(0, 0xD800));
        Assert.Equal(Automaton.Dead, automaton.Step(0, 0x110000));
        Assert.Equal(Automaton.Dead, automaton.Step(0, -1));
        Assert.Equal(Automaton.Dead, automaton.Step(Automaton.Dead, 'a'));
    }
}
