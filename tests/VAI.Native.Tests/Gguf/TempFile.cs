namespace VAI.Native.Tests.Gguf;

/// <summary>A file in the temporary directory, deleted on disposal.</summary>
internal sealed class TempFile : IDisposable
{
    public TempFile(byte[] bytes, long length = 0)
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"vai-{Guid.NewGuid():n}.gguf");
        using FileStream file = File.Create(Path);
        file.Write(bytes);
        if (length > bytes.Length)
            file.SetLength(length);
    }

    public string Path { get; }

    public void Dispose() => File.Delete(Path);
}
