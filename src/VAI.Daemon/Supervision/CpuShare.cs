using System.Globalization;
using VAI.Native.Interop;

namespace VAI.Daemon.Supervision;

/// <summary>
/// How much of the cores a starting engine process gets beside one that serves. Nice values are no way: they cannot be taken back without
/// privileges. A session of processes has one of its own that can (sched(7), autogroup). Where the kernel groups processes otherwise
/// none of this has an effect, and a starting process gets as much as any.
/// </summary>
internal static class CpuShare
{
    // A tenth of the weight: it starts in seconds even where all cores are computed on.
    private const int Aside = 10;

    /// <summary>Gives this process a session of its own, so that its share is its own too.</summary>
    public static void BeginSession() => LibcNative.setsid();

    /// <summary>Little for this process, until <see cref="RestoreAsync"/>.</summary>
    public static void StandAside() => TrySet(Environment.ProcessId, Aside);

    /// <summary>As much as others for a process that has stood aside.</summary>
    public static async Task RestoreAsync(int process)
    {
        // The kernel refuses changes that follow each other within a tenth of a second, whoever's they are.
        for (int i = 0; i < 20 && !TrySet(process, 0); i++)
            await Task.Delay(20).ConfigureAwait(false);
    }

    private static bool TrySet(int process, int nice)
    {
        try
        {
            using var file = new FileStream($"/proc/{process}/autogroup", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            file.Write(System.Text.Encoding.ASCII.GetBytes(nice.ToString(CultureInfo.InvariantCulture)));
            return true;
        }
        catch (FileNotFoundException)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
