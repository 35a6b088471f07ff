using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Machine;

/// <summary>How far threads stand back for others on the machine.</summary>
/// <param name="Nice">0 to 19: setpriority(2).</param>
/// <param name="Batch">Whether they are SCHED_BATCH: sched(7).</param>
internal readonly record struct Standing(int Nice, bool Batch)
{
    /// <summary>Has a thread of this process run so from now on, and those that it starts.</summary>
    /// <param name="thread">The kernel's id of it.</param>
    /// <returns>null; or what the kernel refused, and why.</returns>
    public string? Apply(uint thread)
    {
        if (Batch && LibcNative.sched_setscheduler(thread, LibcNative.SCHED_BATCH, 0) != 0)
            return $"SCHED_BATCH: {Marshal.GetLastPInvokeErrorMessage()}";
        return Nice > 0 && LibcNative.setpriority(LibcNative.PRIO_PROCESS, thread, Nice) != 0
            ? $"A nice value of {Nice}: {Marshal.GetLastPInvokeErrorMessage()}"
            : null;
    }
}
