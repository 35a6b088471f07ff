using System.Diagnostics;
using VAI.Native.Llama;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>
/// An image in memory, as a whole and read-only, with a model's tensors in it. It begins at a multiple of a huge page, as it does in
/// its file, so that what the file has in huge pages is mapped by them. llama.cpp's own buffers stay behind without a page.
/// </summary>
internal sealed unsafe class RomMapping : IDisposable
{
    // Small enough that whoever changes the address space meanwhile does not wait noticeably.
    private const nuint PrefaultSlice = 16 << 20;

    // Huge pages take less, whatever the image's size; small ones that take more are filled in the background.
    private static readonly TimeSpan PrefaultAtOnce = TimeSpan.FromMilliseconds(5);

    private readonly List<PageOverlay> _blanks = [];

    // Not the thread itself: a model that nobody disposed is freed by its finalizer, when the thread may have had its own, and
    // cannot be joined any more.
    private readonly ManualResetEventSlim _prefaulted = new(initialState: true);
    private MappedRange? _image;
    private nuint _populated;
    private bool _prefaulting;
    private volatile bool _stopping;

    /// <summary>Bytes that are the image's own.</summary>
    public long SharedBytes => _image?.Length ?? 0;

    /// <summary>The first of them.</summary>
    public nint Start => _image is null ? 0 : (nint)_image.Start;

    /// <summary>Maps the image and moves the tensors there. Called once, behind the visit of the last tensor.</summary>
    /// <param name="rom">The image.</param>
    /// <param name="tensors">All tensors, each with the section that its buffer is.</param>
    /// <exception cref="VaiEngineException"><see cref="VaiError.OutOfMemory"/> or <see cref="VaiError.UnknownAbi"/>.</exception>
    public void Move(RomFile rom, IReadOnlyList<(LlamaTensor Tensor, RomSection Section)> tensors)
    {
        Debug.Assert(_image is null, "an image is mapped once");
        _image = MappedRange.MapAligned(rom.Handle, rom.Header.ImageBytes, HugePages.Bytes, rom.Path);
        var places = new (LlamaTensor Tensor, long? At)[tensors.Count];
        for (int i = 0; i < tensors.Count; i++)
            places[i] = (tensors[i].Tensor, tensors[i].Section.InFile(tensors[i].Tensor.OffsetInBuffer, tensors[i].Tensor.Bytes));
        LlamaBuffer[] buffers = [.. tensors.Select(t => t.Tensor.Buffer).Distinct()];
        foreach ((LlamaTensor tensor, long? at) in places)
        {
            // One that the image leaves out stays where it is: nothing reads it.
            if (at is { } place)
                tensor.MoveTo(_image.Start + place);
        }

        // Pages that cannot be written are no memory of the process, whatever the kernel counts.
        foreach (LlamaBuffer buffer in buffers)
        {
            if (PageOverlay.Blank(buffer.Start, buffer.Length) is { } blank)
                _blanks.Add(blank);
        }
    }

    /// <summary>
    /// Fills the page tables, so that first touches do not fall on the first token: at once where the image is in huge pages, and in
    /// the background where that takes longer. Called once.
    /// </summary>
    public void Prefault()
    {
        Debug.Assert(!_prefaulting, "prefault runs once");
        if (_image is null)
            return;
        _prefaulting = true;
        if (Populate(Stopwatch.GetTimestamp() + (long)(PrefaultAtOnce.TotalSeconds * Stopwatch.Frequency)))
            return;
        var thread = new Thread(PopulateRest)
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
        foreach (PageOverlay blank in _blanks)
            blank.Dispose();
        _image?.Dispose();
    }

    private void PopulateRest()
    {
        try
        {
            Populate(long.MaxValue);
        }
        finally
        {
            _prefaulted.Set();
        }
    }

    // False if the time is up. A kernel that cannot (before Linux 5.14) is left alone.
    private bool Populate(long deadline)
    {
        for (; _populated < (nuint)_image!.Length; _populated += PrefaultSlice)
        {
            if (Stopwatch.GetTimestamp() > deadline)
                return false;
            if (_stopping || !_image.Populate(_populated, PrefaultSlice))
                return true;
        }

        return true;
    }
}
