using Microsoft.Win32.SafeHandles;
using VAI.Native.Interop;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>rom-hostile DIR IMAGE</c>: does what a user can to a ROM directory of somebody else's. Prints a line for each thing that was allowed, then
/// <c>held</c>, and holds until its input ends: shared locks on every byte of whatever it could open, one by one and as a whole.
/// </summary>
internal static class RomHostile
{
    private const int ReadWrite = 2;
    private const int Runs = 500;

    public static int Run(string directory, string image)
    {
        foreach (string path in Directory.GetFiles(directory).Append(directory).Append(Path.Combine(directory, "new")))
        {
            string name = Path.GetFileName(path);
            Say("read " + name, Libc.open(path, LibcNative.O_RDONLY));
            Say("write " + name, Libc.open(path, ReadWrite));
            if (path != directory)
                Say("make " + name, LibcNative.open(path + ".mine", LibcNative.O_RDWR | LibcNative.O_CREAT, 0x180));
            Say("truncate " + name, Libc.truncate(path, 0));
            Say("chmod " + name, Libc.chmod(path, 0x1FF));
            Say("chown " + name, Libc.chown(path, (int)LibcNative.geteuid(), -1));
            Say("rename " + name, Libc.rename(path, path + ".gone"));
            if (path != image)
                Say("replace " + name, Libc.rename(image, path));
            Say("unlink " + name, Libc.unlink(path));
        }

        var files = new List<SafeFileHandle>();
        foreach (string path in Directory.GetFiles(directory))
        {
            Lock(path, "alone", LibcNative.F_WRLCK, 0, 0);
            Lock(path, "", LibcNative.F_RDLCK, 0, 0);
        }

        for (int i = 0; i < Runs; i++)
            Lock(image, "", LibcNative.F_RDLCK, (1L << 61) + (i * 4096L), 2048);
        Console.WriteLine("held");
        Console.In.ReadToEnd();
        files.ForEach(f => f.Dispose());
        return ExitCodes.Done;

        void Lock(string path, string say, short type, long start, long length)
        {
            int descriptor = Libc.open(path, LibcNative.O_RDONLY);
            if (descriptor < 0)
                return;
            var file = new SafeFileHandle(descriptor, ownsHandle: true);
            var request = new file_lock { l_type = type, l_start = start, l_len = length };
            int result = LibcNative.fcntl(file, LibcNative.F_OFD_SETLK, ref request);
            if (say.Length > 0)
                Say($"lock {Path.GetFileName(path)} {say}", result);
            files.Add(file);
        }

        static void Say(string what, int result)
        {
            if (result >= 0)
                Console.WriteLine(what);
        }
    }
}
