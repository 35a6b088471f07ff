using System.Runtime.InteropServices;

namespace VAI.Native.Interop;

/// <summary>The C library's functions that .NET does not offer.</summary>
internal static partial class LibcNative
{
    private static readonly bool X64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    // Linux, x86-64 and arm64 alike where they are constants.
    internal const int O_RDONLY = 0;
    internal const int O_WRONLY = 1;
    internal const int O_RDWR = 2;
    internal const int O_CREAT = 0x40;
    internal const int O_EXCL = 0x80;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_CLOEXEC = 0x80000;
    internal static readonly int O_NOFOLLOW = X64 ? 0x20000 : 0x8000;
    internal static readonly int O_DIRECTORY = X64 ? 0x10000 : 0x4000;

    /// <summary>A file without a name: it is gone with its last descriptor, unless it gets one.</summary>
    internal static readonly int O_TMPFILE = 0x400000 | O_DIRECTORY;

    internal const int AT_FDCWD = -100;
    internal const int AT_SYMLINK_NOFOLLOW = 0x100;
    internal const int AT_SYMLINK_FOLLOW = 0x400;
    internal const int AT_EMPTY_PATH = 0x1000;
    internal const long ST_RDONLY = 1;
    internal const uint STATX_BASIC_STATS = 0x7FF;
    internal const int S_IFMT = 0xF000;
    internal const int S_IFREG = 0x8000;
    internal const int S_IFDIR = 0x4000;
    internal const int S_IFLNK = 0xA000;

    internal const int EPERM = 1;
    internal const int ENOENT = 2;
    internal const int EINTR = 4;
    internal const int ENXIO = 6;
    internal const int EAGAIN = 11;
    internal const int EACCES = 13;
    internal const int EEXIST = 17;
    internal const int ENOTDIR = 20;
    internal const int EINVAL = 22;
    internal const int ENOSPC = 28;
    internal const int ELOOP = 40;
    internal const int EOPNOTSUPP = 95;
    internal const int EDQUOT = 122;

    internal const int PROT_NONE = 0;
    internal const int PROT_READ = 1;
    internal const int PROT_WRITE = 2;
    internal const int MAP_SHARED = 1;
    internal const int MAP_PRIVATE = 2;
    internal const int MAP_FIXED = 0x10;
    internal const int MAP_ANONYMOUS = 0x20;
    internal const int MADV_POPULATE_READ = 22;
    internal const int MADV_COLLAPSE = 25;
    internal const int FALLOC_FL_KEEP_SIZE = 1;
    internal const uint MFD_CLOEXEC = 1;

    /// <summary><c>_IOWR('f', 16, struct pm_scan_arg)</c>, and its category of pages mapped by huge ones.</summary>
    internal const nuint PAGEMAP_SCAN = 0xC0606610;
    internal const ulong PAGE_IS_HUGE = 1 << 6;

    internal const int F_OFD_GETLK = 36;
    internal const int F_OFD_SETLK = 37;
    internal const short F_RDLCK = 0;
    internal const short F_WRLCK = 1;
    internal const short F_UNLCK = 2;

    internal const int MSG_DONTWAIT = 0x40;
    internal const int MSG_NOSIGNAL = 0x4000;

    internal const int SEEK_SET = 0;
    internal const int POSIX_FADV_DONTNEED = 4;

    internal const int PRIO_PROCESS = 0;
    internal const int SCHED_BATCH = 3;

    internal const int RLIMIT_FSIZE = 1;
    internal const int RLIMIT_NOFILE = 7;

    /// <summary>getrlimit(2): 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int getrlimit(int resource, out resource_limit limit);

    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int setpriority(int which, uint who, int priority);

    [LibraryImport(Libraries.Libc)]
    internal static partial int sched_getscheduler(uint thread);

    [LibraryImport(Libraries.Libc)]
    internal static partial int getpriority(int which, uint who);

    /// <summary>sched_setscheduler(2), of one thread; its parameter is a struct sched_param of one int.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int sched_setscheduler(uint thread, int policy, in int parameter);

    internal const int FUTEX_WAIT = 0;
    internal const int FUTEX_WAKE = 1;
    private static readonly nint Futex = X64 ? 202 : 98;

    /// <summary>futex(2) of a word that processes share, which the C library does not offer: what the call returned.</summary>
    internal static unsafe nint futex(void* word, int operation, int value, time_spec* timeout) => syscall(Futex, word, operation, value, timeout, null, 0);

    [LibraryImport(Libraries.Libc)]
    private static unsafe partial nint syscall(nint number, void* word, nint operation, nint value, time_spec* timeout, void* second, nint third);

    /// <summary>gettid(2): the calling thread's id. Older C libraries do not offer it.</summary>
    internal static unsafe uint gettid() => (uint)syscall(X64 ? 186 : 178, null, 0, 0, null, null, 0);

    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open(string path, int flags, uint mode = 0);

    /// <summary>mkdir(2): 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mkdir(string path, uint mode);

    /// <summary>unlink(2): 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int unlink(string path);

    /// <summary>linkat(2): 0, or -1 with errno set, as where the new path is taken.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int linkat(int fromDirectory, string from, int toDirectory, string to, int flags);

    /// <summary>rename(2), which replaces what stands at the new path: 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int rename(string from, string to);

    [LibraryImport(Libraries.Libc)]
    internal static partial uint geteuid();

    /// <summary>lchown(2): 0, or -1 with errno set. <see cref="uint.MaxValue"/> leaves the user or the group as it is.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int lchown(string path, uint user, uint group);

    /// <summary>fchmod(2): 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int fchmod(SafeHandle file, uint mode);

    /// <summary>fsync(2): 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int fsync(SafeHandle file);

    /// <summary>ftruncate(2): 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int ftruncate(SafeHandle file, long length);

    /// <summary>fallocate(2): 0, or -1 with errno set. Unlike posix_fallocate it never falls back to writing.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int fallocate(SafeHandle file, int mode, long offset, long length);

    /// <summary>posix_fadvise(3): 0, or an error number.</summary>
    [LibraryImport(Libraries.Libc)]
    internal static partial int posix_fadvise(SafeHandle file, long offset, long length, int advice);

    /// <summary>fcntl(2) with a lock; the descriptor's own (OFD) locks end with its last copy.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int fcntl(SafeHandle file, int command, ref file_lock argument);

    /// <summary>mmap(2): the address, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial nint mmap(nint address, nuint length, int protection, int flags, SafeHandle file, long offset);

    /// <summary>mmap(2) of anonymous memory, for which the descriptor is -1.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial nint mmap(nint address, nuint length, int protection, int flags, int file, long offset);

    /// <summary>munmap(2): 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int munmap(nint address, nuint length);

    /// <summary>madvise(2): 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int madvise(nint address, nuint length, int advice);

    /// <summary>ioctl(2) of a structure: what the request returns, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static unsafe partial int ioctl(SafeHandle file, nuint request, void* argument);

    /// <summary>memfd_create(2): a descriptor of a nameless file in memory, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int memfd_create(string name, uint flags);

    /// <summary>malloc_trim(3) of glibc: gives free memory of every arena back to the system.</summary>
    [LibraryImport(Libraries.Libc)]
    internal static partial int malloc_trim(nuint pad);

    /// <summary>dup(2): a descriptor, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int dup(SafeHandle file);

    /// <summary>eventfd(2): a descriptor, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int eventfd(uint count, int flags);

    /// <summary>read(2) of one number: the bytes read, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial nint read(SafeHandle file, out ulong number, nuint bytes);

    /// <summary>write(2) of one number: the bytes written, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial nint write(SafeHandle file, in ulong number, nuint bytes);

    /// <summary>recv(2): the bytes received, 0 at the end, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial nint recv(SafeHandle socket, ref byte buffer, nuint length, int flags);

    /// <summary>send(2): the bytes sent, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial nint send(SafeHandle socket, in byte buffer, nuint length, int flags);

    /// <summary>fdopen(3): a stream that owns the descriptor, or null with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint fdopen(int file, string mode);

    [LibraryImport(Libraries.Libc)]
    internal static partial int fseek(nint stream, nint offset, int origin);

    [LibraryImport(Libraries.Libc)]
    internal static partial int fclose(nint stream);

    /// <summary>statx(2): 0, or -1 with errno set.</summary>
    [LibraryImport(Libraries.Libc, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int statx(SafeHandle directory, string path, int flags, uint mask, out statx_result result);

    /// <summary>fstatfs(2): 0, or -1 with errno set.</summary>
    /// <summary>What an open file is; false with errno set where that cannot be told.</summary>
    internal static bool Status(SafeHandle file, out statx_result status) => statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, out status) == 0;

    [LibraryImport(Libraries.Libc, SetLastError = true)]
    internal static partial int fstatfs(SafeHandle file, out statfs_result result);

    /// <summary>umask(2): takes these bits from the mode of every new file; the old ones.</summary>
    [LibraryImport(Libraries.Libc)]
    internal static partial uint umask(uint mask);

    /// <summary>_exit(2): ends the process at once, whatever its threads do; nothing is flushed, no handler runs.</summary>
    [LibraryImport(Libraries.Libc)]
    internal static partial void _exit(int status);

    /// <summary>setenv(3): .NET keeps an environment of its own, which native code does not see.</summary>
    [LibraryImport(Libraries.Libc, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int setenv(string name, string value, int overwrite);
}

/// <summary><c>struct flock</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct file_lock
{
    internal short l_type;
    internal short l_whence;
    internal long l_start;
    internal long l_len;
    internal int l_pid;
}

/// <summary><c>struct rlimit</c>; <see cref="ulong.MaxValue"/> is no limit.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct resource_limit
{
    internal ulong rlim_cur;
    internal ulong rlim_max;
}

/// <summary><c>struct timespec</c> of the kernel's 64-bit calls.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct time_spec
{
    internal long tv_sec;
    internal long tv_nsec;
}

/// <summary><c>struct pm_scan_arg</c> of <c>PAGEMAP_SCAN</c> (Linux 6.7).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct pm_scan_arg
{
    internal ulong size;
    internal ulong flags;
    internal ulong start;
    internal ulong end;
    internal ulong walk_end;
    internal ulong vec;
    internal ulong vec_len;
    internal ulong max_pages;
    internal ulong category_inverted;
    internal ulong category_mask;
    internal ulong category_anyof_mask;
    internal ulong return_mask;
}

/// <summary><c>struct page_region</c>, which it fills.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct page_region
{
    internal ulong start;
    internal ulong end;
    internal ulong categories;
}

/// <summary><c>struct statx</c>, the same on every architecture: the fields that VAI reads.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct statx_result
{
    [FieldOffset(20)]
    internal uint stx_uid;

    [FieldOffset(24)]
    internal uint stx_gid;

    [FieldOffset(28)]
    internal ushort stx_mode;

    [FieldOffset(32)]
    internal ulong stx_ino;

    [FieldOffset(40)]
    internal long stx_size;

    [FieldOffset(96)]
    internal long stx_ctime_sec;

    [FieldOffset(104)]
    internal uint stx_ctime_nsec;

    [FieldOffset(112)]
    internal long stx_mtime_sec;

    [FieldOffset(120)]
    internal uint stx_mtime_nsec;

    [FieldOffset(136)]
    internal uint stx_dev_major;

    [FieldOffset(140)]
    internal uint stx_dev_minor;
}

/// <summary><c>struct statfs</c> of 64-bit systems: the fields that VAI reads.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct statfs_result
{
    [FieldOffset(0)]
    internal long f_type;

    [FieldOffset(80)]
    internal long f_flags;
}
