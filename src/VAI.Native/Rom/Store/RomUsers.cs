using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>Who is attached to an image, asked of the kernel's locks: what another process says of itself is a number of sessions.</summary>
internal static class RomUsers
{
    /// <summary>More are not counted, so that no member of a group can make counting take long.</summary>
    public const int Most = 4096;

    /// <summary>Leases on an image, and their sessions; none where there is no image.</summary>
    public static (int Leases, int Sessions) Count(string image)
    {
        using SafeFileHandle? file = Open(image);
        return file is null ? default : Count(file);
    }

    /// <inheritdoc cref="Count(string)"/>
    /// <remarks>Leases of the same description are not seen.</remarks>
    public static (int Leases, int Sessions) Count(SafeFileHandle image)
    {
        (int leases, int sessions) = (0, 0);
        var left = new Stack<ByteRange>([RomLocks.Leases]);
        while (leases < Most && left.TryPop(out ByteRange range))
        {
            // The kernel names one of those in the range, and not the first: the rest is on both sides of it.
            if (!FileLock.IsHeld(image, range, out ByteRange held))
                continue;
            leases++;
            sessions += held.Length is > 1 and <= RomLocks.MaxSessions ? (int)held.Length - 1 : 0;
            if (held.Length == 0)
                continue;
            Push(range.Start, held.Start);
            Push(held.Start + held.Length, range.Start + range.Length);
        }

        return (leases, sessions);

        void Push(long start, long end)
        {
            if (end > start)
                left.Push(new ByteRange(start, end - start));
        }
    }

    /// <summary>Whether a process is evicting the image.</summary>
    public static bool IsEvicted(SafeFileHandle image) => FileLock.IsHeld(image, RomLocks.Evictor, out _, alone: true);

    /// <inheritdoc cref="IsEvicted(SafeFileHandle)"/>
    public static bool IsEvicted(string image)
    {
        using SafeFileHandle? file = Open(image);
        return file is not null && IsEvicted(file);
    }

    /// <summary>Whether a process is burning to the unpublished file; null where this user may not ask.</summary>
    public static bool? IsBurned(string draft)
    {
        using SafeFileHandle? file = Open(draft);
        return file is not null ? FileLock.IsHeld(file, RomLocks.Burner, out _, alone: true)
            : System.Runtime.InteropServices.Marshal.GetLastPInvokeError() == LibcNative.ENOENT ? false : null;
    }

    /// <summary>An image or a draft, open for asking; null where there is none, or this user may not.</summary>
    public static SafeFileHandle? Open(string path)
    {
        int descriptor = LibcNative.open(
            path, LibcNative.O_RDONLY | LibcNative.O_CLOEXEC | LibcNative.O_NOFOLLOW | LibcNative.O_NONBLOCK);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }
}
