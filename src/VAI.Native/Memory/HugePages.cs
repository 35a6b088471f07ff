using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.Native.Memory;

/// <summary>
/// Huge pages of files in memory (tmpfs). The kernel gives a file small ones by itself, and huge ones to who asks for them
/// (MADV_COLLAPSE, Linux 6.1), whatever <c>shmem_enabled</c> says but <c>deny</c>. They are the file's: every process that maps it at an
/// address that goes with them has them.
/// </summary>
internal static unsafe class HugePages
{
    /// <summary>The length of one, with base pages of 4 KiB. Where it is another nothing is asked for.</summary>
    public const long Bytes = 2 << 20;

    // The kernel says no when it finds no free 2 MiB, which may be so for one and not for the next.
    private const int MostRefusals = 8;

    /// <summary>Whether the kernel has them, and of this length.</summary>
    public static bool Known { get; } = Environment.SystemPageSize == 4096 && SizeOf("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size") == Bytes;

    /// <summary>
    /// Fills the part of a file that has no pages yet with huge ones, zeroed, as far as they are given. What the file has already, and what
    /// lies beside whole huge pages, stays as it is.
    /// </summary>
    /// <param name="file">A file in memory, open for reading and writing, at least as long as <paramref name="to"/>.</param>
    /// <param name="from">Where the part begins in the file.</param>
    /// <param name="to">Where it ends.</param>
    /// <param name="cancellationToken">Stops between two pages.</param>
    /// <returns>How many were given.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/>.</exception>
    public static int Fill(SafeFileHandle file, long from, long to, CancellationToken cancellationToken)
    {
        long first = (from + Bytes - 1) & -Bytes, end = to & -Bytes;
        if (!Known || end <= first)
            return 0;
        using MappedRange? whole = TryMap(file, end);
        if (whole is null)
            return 0;
        int given = 0;
        for ((long at, int refused) = (first, 0); at < end && refused < MostRefusals; at += Bytes)
        {
            cancellationToken.ThrowIfCancellationRequested();

            // One of its small pages has to be there. None is to be paid for twice: the file's pages become one.
            if (LibcNative.fallocate(file, LibcNative.FALLOC_FL_KEEP_SIZE, at, Environment.SystemPageSize) != 0)
                break;
            if (LibcNative.madvise((nint)whole.Start + (nint)at, (nuint)Bytes, LibcNative.MADV_COLLAPSE) == 0)
            {
                given++;
                continue;
            }

            // A kernel that does not know the advice, or is told to deny it, will not give the next one either.
            if (Marshal.GetLastPInvokeError() == LibcNative.EINVAL && given == 0)
                break;
            refused++;
        }

        return given;
    }

    /// <summary>Whether the kernel gives them to who asks, found out by asking for one.</summary>
    public static bool AreGiven()
    {
        if (!Known)
            return false;
        int descriptor = LibcNative.memfd_create("vai-huge", LibcNative.MFD_CLOEXEC);
        if (descriptor < 0)
            return false;
        using var file = new SafeFileHandle(descriptor, ownsHandle: true);
        return LibcNative.ftruncate(file, Bytes) == 0 && Fill(file, 0, Bytes, CancellationToken.None) == 1;
    }

    private static MappedRange? TryMap(SafeFileHandle file, long length)
    {
        try
        {
            return MappedRange.MapAligned(file, length, Bytes, "a ROM");
        }
        catch (VaiEngineException)
        {
            return null;
        }
    }

    private static long SizeOf(string file)
    {
        try
        {
            return long.TryParse(File.ReadAllText(file), out long bytes) ? bytes : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
