using System.Buffers.Binary;
using VAI.Native.Registry.Leases;

namespace VAI.Native.Tests.Registry;

/// <summary>A directory for a registry, deleted on disposal.</summary>
internal sealed class RomDirectory : IDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vai-registry-");

    public string FullName => _directory.FullName;

    public string RegistryFile => Path.Combine(FullName, RegistryLayout.FileName);

    public string LeaseFile => Path.Combine(FullName, LeaseLayout.FileName);

    public static RegistryEntry Entry(string name, byte digest = 1)
    {
        byte[] bytes = new byte[32];
        Array.Fill(bytes, digest);
        return new() { Name = name, State = RomState.Ready, Digest = bytes };
    }

    public static byte[] Digest(byte value) => Entry("", value).Digest.ToArray();

    public static RegistryWriter Write(RomRegistry registry) => registry.BeginWrite(Deadline, CancellationToken.None);

    public static void Patch(string file, long offset, uint value)
    {
        byte[] bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        using FileStream stream = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.Position = offset;
        stream.Write(bytes);
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
