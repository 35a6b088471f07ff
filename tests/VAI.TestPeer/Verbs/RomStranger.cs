using System.Runtime.InteropServices;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>rom-stranger DIR IMAGE USER</c>: as another user, tries to list the directory, and to open, write, truncate, rename and
/// unlink the image. Prints a line for each: its name, and <c>allowed</c> or errno.
/// </summary>
internal static class RomStranger
{
    private const int ReadOnly = 0;
    private const int ReadWrite = 2;

    public static int Run(string directory, string image, int user)
    {
        // Once before, on what is not there: the code must be loaded while its files can be read.
        Try("/nonexistent", "/nonexistent", TextWriter.Null);
        Libc.BecomeUser(user);
        Try(directory, image, Console.Out);
        return ExitCodes.Done;
    }

    private static void Try(string directory, string image, TextWriter output)
    {
        Say("list", Libc.open(directory, ReadOnly));
        Say("open", Libc.open(image, ReadOnly));
        Say("write", Libc.open(image, ReadWrite));
        Say("truncate", Libc.truncate(image, 0));
        Say("chmod", Libc.chmod(image, 0x1FF));
        Say("rename", Libc.rename(image, image + ".gone"));
        Say("unlink", Libc.unlink(image));

        void Say(string what, int result) => output.WriteLine($"{what} {(result >= 0 ? "allowed" : Marshal.GetLastPInvokeError())}");
    }
}
