using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Registry;

/// <summary>What can be wrong with the registry's files.</summary>
internal static class RegistryErrors
{
    internal static VaiEngineException Damaged(string path, string what) => new(
        VaiError.RegistryDamaged,
        $"{path}: {what}. End the VAI processes that use the ROM directory and delete the file; ROM images are not lost by that.");

    internal static VaiEngineException TooNew(string path, uint version, uint known) => new(
        VaiError.RomTooNew,
        $"{path}: was written by a newer VAI (layout {version}, this one knows {known}). Update VAI, or use another ROM directory.");

    internal static VaiEngineException TooOld(string path, uint version, uint known) => new(
        VaiError.RegistryTooOld,
        $"{path}: was written by an older VAI (layout {version}, this one writes {known}). The directory's owner converts it with any 'vai burn', "
        + "'vai verify' or load, once the processes of the older VAI have ended.");

    internal static VaiEngineException OldInUse(string path) => new(
        VaiError.RegistryTooOld,
        $"{path}: was written by an older VAI, whose processes still use it. End them, and try again; nothing of it is lost.");

    internal static VaiEngineException Full(string path, string what) =>
        new(VaiError.RegistryFull, $"{path}: {what}");

    internal static VaiEngineException Busy(string path, TimeSpan waited, ProcessIdentity last) => new(
        VaiError.RegistryBusy,
        $"{path}: another process holds the writer lock, and {waited.TotalSeconds:0.###} s were not enough"
        + (last.Pid == 0 ? "" : $" (process {last.Pid} wrote last and {(last.IsAlive ? "is alive" : "has ended")})")
        + ". Try again, or see what that process does.");

    /// <summary>Why the last call to libc could not open or make the file.</summary>
    internal static VaiException FromErrno(string path, string verb)
    {
        string reason = Marshal.GetLastPInvokeErrorMessage();
        return Marshal.GetLastPInvokeError() switch
        {
            LibcNative.ELOOP or LibcNative.ENXIO => Damaged(path, "is not a regular file"),
            LibcNative.ENOSPC or LibcNative.EDQUOT =>
                new VaiEngineException(VaiError.RomNoSpace, $"{path}: cannot be {verb} ({reason}). Make room in the ROM directory."),
            _ => new VaiUsageException(
                verb == "opened" ? VaiError.FileNotReadable : VaiError.FileNotWritable,
                $"{path}: cannot be {verb} ({reason}). Check the ROM directory and its permissions."),
        };
    }
}
