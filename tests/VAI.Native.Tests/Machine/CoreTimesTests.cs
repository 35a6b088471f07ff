using System.Diagnostics;
using VAI.Native.Interop;
using VAI.Native.Machine;

namespace VAI.Native.Tests.Machine;

/// <summary>What is read of the kernel's books.</summary>
public sealed class CoreTimesTests
{
    [Fact]
    public void A_thread_that_waits_for_a_core_is_seen_to()
    {
        using var delays = new RunDelays();
        delays.Add(LibcNative.gettid());
        delays.Add(uint.MaxValue);
        Assert.Equal(1, delays.Count);
        bool ended = false;
        Thread[] others = [.. Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => new Thread(() => SpinWait.SpinUntil(() => Volatile.Read(ref ended))))];
        foreach (Thread other in others)
            other.Start();
        long before = delays.Total();
        long limit = Stopwatch.GetTimestamp() + (60 * Stopwatch.Frequency);
        while (delays.Total() - before < 20_000_000)
            Assert.True(Stopwatch.GetTimestamp() < limit, "Nothing was waited for.");
        Volatile.Write(ref ended, true);
        foreach (Thread other in others)
            other.Join();
    }

    [Fact]
    public void Idle_time_grows_and_is_no_more_than_there_was()
    {
        using var cpus = new CpuTimes();
        Assert.InRange(cpus.Count, 1, 8192);
        long idle = cpus.Idle(), start = Stopwatch.GetTimestamp();
        Thread.Sleep(300);
        double passed = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        Assert.InRange(cpus.Idle() - idle, 0, (long)(cpus.Count * (passed + 40e6)));
    }

    [Fact]
    public void A_group_without_a_quota_is_never_stopped()
    {
        using var throttle = new Throttle();
        Assert.InRange(throttle.Count(), 0, long.MaxValue);
    }

    [Theory]
    [InlineData("cpu0 12 x 34", new long[] { 0, 12, 34 })]
    [InlineData("", new long[0])]
    [InlineData("a -5 99999999999999999999", new long[] { 5 })]
    public void Numbers_are_read_from_between_whatever_there_is(string text, long[] numbers)
    {
        var proc = new ProcText(System.Text.Encoding.ASCII.GetBytes(text));
        var read = new List<long>();
        while (proc.TryNext(out long number))
            read.Add(number);
        Assert.Equal(numbers, read);
    }
}
