using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Llama;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>
/// The sections of an image over the buffers of a model. Page tables are filled in the background, so that first touches do
/// not fall on the first token.
/// </summary>
internal sealed unsafe class RomOverlay : IDisposable
{
    // Small enough that whoever changes the address space meanwhile does not wait noticeably.
    private const nuint PrefaultSlice = 16 << 20;

    private readonly List<PageOverlay> _pages = [];

    // Not the thread itself: a model that nobody disposed is freed by its finalizer, when the thread may have had its own, and
    // cannot be joined any more.
    private readonly ManualResetEventSlim _prefaulted = new(initialState: true);
    private bool _prefaulting;
    private volatile bool _stopping;

    /// <summary>Bytes that had to be copied, because memory and image begin at different places of a page.</summary>
    public long CopiedBytes { get; private set; }

    /// <summary>Bytes that are the image's own.</summary>
    public long SharedBytes => _pages.Sum(p => (long)p.Length);

    /// <summary>Puts a section into its buffer: whole pages by mapping, the rest by copying.</summary>
    public void Lay(SafeFileHandle file, RomSection section, LlamaBuffer buffer)
    {
        foreach ((long at, long offset, long bytes) in section.Parts)
            Lay(file, offset, buffer.Start + at, bytes);
    }

    /// <summary>Starts to fill the page tables. Called once, after the last section.</summary>
    public void Prefault()
    {
        Debug.Assert(!_prefaulting, "prefault runs once");
        if (_pages.Count == 0)
            return;
        _prefaulting = true;
        var thread = new Thread(Populate)
        {
            IsBackground = true,
            Name = "VAI prefault",
            Priority = ThreadPriority.BelowNormal,
        };
        _prefaulted.Reset();
        try
        {
            thread.Start();
        }
        catch
        {
            _prefaulted.Set();
            throw;
        }
    }

    /// <summary>Waits until the page tables are filled; for measurements.</summary>
    public void WaitForPrefault() => _prefaulted.Wait();

    /// <exception cref="VaiEngineException">Memory could not be given back; llama.cpp must not free it then.</exception>
    public void Dispose()
    {
        _stopping = true;
        _prefaulted.Wait();
        foreach (PageOverlay pages in _pages)
            pages.Dispose();
    }

    private void Lay(SafeFileHandle file, long offset, byte* start, long bytes)
    {
        var pages = PageOverlay.Lay(file, offset, start, bytes, writable: false);
        if (pages is null)
        {
            Copy(file, offset, start, bytes);
            return;
        }

        _pages.Add(pages);
        long before = pages.Start - (nint)start;
        long after = before + (long)pages.Length;
        Copy(file, offset, start, before);
        Copy(file, offset + after, start + after, bytes - after);
    }

    private void Populate()
    {
        try
        {
            foreach (PageOverlay pages in _pages)
            {
                for (nuint at = 0; at < pages.Length && !_stopping; at += PrefaultSlice)
                {
                    if (!pages.Populate(at, PrefaultSlice))
                        return;
                }
            }
        }
        finally
        {
            _prefaulted.Set();
        }
    }

    private void Copy(SafeFileHandle file, long offset, byte* to, long length)
    {
        CopiedBytes += length;
        while (length > 0)
        {
            int read = RandomAccess.Read(file, new Span<byte>(to, (int)Math.Min(length, 1 << 30)), offset);
            if (read == 0)
                throw new VaiEngineException(VaiError.RomTruncated, "The ROM was shortened while it was attached. Evict it and burn it again.");
            offset += read;
            to += read;
            length -= read;
        }
    }
}
