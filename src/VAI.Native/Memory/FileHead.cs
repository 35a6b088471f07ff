namespace VAI.Native.Memory;

/// <summary>The first bytes of a file, read as far as they are asked for.</summary>
/// <param name="file">The file; not needed after the last <see cref="Fill"/>.</param>
/// <param name="most">The most bytes that will be asked for; no more than the file has.</param>
internal sealed unsafe class FileHead(RegularFile file, int most) : AnonymousMemory(most)
{
    private const int Step = 1 << 20;

    /// <summary>Bytes that are there.</summary>
    public int Filled { get; private set; }

    /// <summary>Reads on until the first <paramref name="end"/> bytes, or more, are there.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotReadable"/>: the file was shortened, or cannot be read.</exception>
    public void Fill(int end)
    {
        while (Filled < end)
        {
            int next = Math.Min(Step, most - Filled);
            file.Read(Filled, new Span<byte>(Start + Filled, next));
            Filled += next;
        }
    }

    /// <summary>Keeps no more than the first bytes, and sees that they are there.</summary>
    public void Keep(int bytes)
    {
        Fill(bytes);
        Trim(bytes);
    }
}
