using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Gguf;
using VAI.Native.Interop;
using VAI.Native.Llama;
using VAI.Native.Memory;
using VAI.Native.Source;

namespace VAI.Native.Rom;

/// <summary>What to burn.</summary>
/// <param name="File">The GGUF file, or the first part of a model in several.</param>
/// <param name="Name">The name it is burned under.</param>
/// <param name="Profile">What for.</param>
/// <param name="Deadline">How long to wait for another process that burns the same.</param>
internal sealed record RomBurnRequest(string File, string Name, RomProfile Profile, TimeSpan Deadline);

/// <summary>What a burn came to.</summary>
/// <param name="Id">The image.</param>
/// <param name="Header">Its header.</param>
/// <param name="Source">The file, which did not change while it was read.</param>
/// <param name="Burned">False if the image was there already, or another process burned it meanwhile.</param>
internal sealed record RomBurned(string Id, RomHeader Header, RomSource Source, bool Burned);

/// <summary>
/// From a GGUF to a sealed image: compute its outputs with llama.cpp's own load, reserve, fill, digest, compare the outputs, make
/// read-only, sync, publish. Until it is published the
/// image has another name and no magic, and its burner holds a lock on it that ends with the process.
/// </summary>
internal sealed class RomBurner(RomDirectory directory, Action<RomBurnProgress>? report, CancellationToken cancellationToken)
{
    /// <summary>Called when the bytes are digested and the burn begins in earnest, with the image's id.</summary>
    public Action<string>? Began { get; init; }

    /// <summary>Called with the id of the image that this burned, while others that would burn it still wait.</summary>
    public Action<string>? Published { get; init; }

    /// <summary>Finds the output matrix to make of a model's token embeddings. A test makes it err.</summary>
    public Func<GgufFile, TiedOutput?> FindTied { get; init; } = RomTied.Find;

    /// <summary>Burns, unless the image exists.</summary>
    /// <exception cref="VaiModelException">The file is not one VAI can run.</exception>
    /// <exception cref="VaiUsageException">The file, or the directory, cannot be used.</exception>
    /// <exception cref="VaiEngineException">
    /// <see cref="VaiError.RomNoSpace"/>, or <see cref="VaiError.RomBurning"/>: the deadline passed.
    /// </exception>
    public RomBurned Burn(RomBurnRequest request)
    {
        directory.CheckWritable();

        // Before it is opened: what is read then is what was looked at, or the second look finds another file.
        RomSource identity = RomSource.OfModel(request.File);
        using var source = ModelSource.Open(request.File);
        GgufModelInfo.From(source.Header).Validate();
        CheckRoom(source, request);
        var work = new RomWork(source.Length, report);
        byte[] digest = source.Digest(done => work.Report(RomBurnPhase.Digesting, done), cancellationToken);
        try
        {
            return Burn(request, source, identity, digest, work);
        }
        finally
        {
            source.DropAll();
        }
    }

    private RomBurned Burn(RomBurnRequest request, ModelSource source, RomSource identity, byte[] digest, RomWork work)
    {
        string note = "";
        if (request.Profile == RomProfile.Fast && FindTied(source.Header) is { } output && RomTied.Packing(source.Header, output) is { } tied && RomPacking.Fits(tied))
        {
            try
            {
                (RomBurned? burned, string? distrust) = Burn(request, source, identity, digest, tied, output, "", work);
                if (burned is not null)
                    return burned;
                note = $"its output matrix is plain: {distrust}";
            }
            catch (VaiException e) when (e.Code is VaiError.ModelRejected or VaiError.RomMismatch or VaiError.UnknownAbi or VaiError.OutOfMemory)
            {
                note = "its output matrix is plain: llama.cpp does not take it packed";
            }
        }

        // What keeps a packed image from being made is known only after trying; the plain one follows then.
        IReadOnlyList<PackedTensors> packing = request.Profile == RomProfile.Fast ? RomPacking.For(source.Header) : [];
        if (request.Profile == RomProfile.Fast && packing.Count == 0)
            note = "this CPU's kernels pack none of its weights";
        if (packing.Count > 0 && !RomPacking.Fits(packing))
            (packing, note) = ([], "the list of its packed tensors is longer than a header holds");
        if (packing.Count > 0)
        {
            (RomBurned? packed, string? distrust) = Burn(request, source, identity, digest, packing, null, note, work);
            if (packed is not null)
                return packed;
            (packing, note) = ([], distrust!);
        }

        return Burn(request, source, identity, digest, packing, null, note, work).Burned
            ?? throw new VaiEngineException(
                VaiError.NativeFailure,
                $"'{request.File}' does not compute the same from its ROM as from its file. Load it without a ROM, and report the model.");
    }

    private (RomBurned? Burned, string? Distrust) Burn(
        RomBurnRequest request,
        ModelSource source,
        RomSource identity,
        byte[] digest,
        IReadOnlyList<PackedTensors> packing,
        TiedOutput? tied,
        string note,
        RomWork work)
    {
        RomWeights weights = packing.Count > 0 ? RomWeights.Packed : RomWeights.Plain;
        string id = RomDirectory.IdOf(digest, weights);
        using FileLock? draft = RomDraft.Take(directory, id, request.Deadline, () => work.Report(RomBurnPhase.Waiting, 0), cancellationToken);
        if (draft is null)
        {
            using var existing = RomFile.Open(directory.ImagePath(id));
            CheckUnchanged(request, identity);
            return (new RomBurned(id, existing.Header, identity, Burned: false), null);
        }

        SafeFileHandle image = draft.Handle;
        long start = Stopwatch.GetTimestamp();
        try
        {
            GgufFile head = source.Header;
            CheckRoom(head, weights == RomWeights.Packed ? RomSize.Packed(head, packing, tied) : RomSize.Plain(source.Length), weights == RomWeights.Packed, request);
            Began?.Invoke(id);
            bool embedding = GgufModelInfo.From(head).IsEmbedding;
            float[][]? expected = weights == RomWeights.Packed ? Expected(source, packing, tied is not null, embedding) : null;
            var fill = new RomFill(image, directory, source, work, cancellationToken);
            RomFilled? filled = weights == RomWeights.Packed ? fill.Packed(packing, tied) : fill.Plain();
            if (filled is null)
                return (null, fill.Distrust);
            (string build, string cpu) = RomBuild.Current;
            (byte[] imageDigest, byte[] copyDigest) = RomFile.DigestOf(
                image, filled.ImageBytes, weights == RomWeights.Plain ? source.Length : 0, source.Path, done => work.Report(RomBurnPhase.Sealing, done), cancellationToken);
            var header = new RomHeader
            {
                Profile = request.Profile,
                Weights = weights,
                ImageBytes = filled.ImageBytes,
                MetadataBytes = head.DataOffset,
                MetadataCrc = RomHeaderPage.Crc(head.Head),
                ImageDigest = imageDigest,
                SourceDigest = digest,
                Source = identity,
                BurnedAt = DateTimeOffset.UtcNow,
                Places = filled.Places,
                Build = build,
                Cpu = cpu,
                Name = request.Name,
                Note = note,
                Packing = [.. packing.Select(p => (p.BufferTypeName, p.Pattern))],
                Sections = filled.Sections,
                Tied = filled.Tied,
            };
            work.Report(RomBurnPhase.Verifying, 0);
            RomFlags? verified = Verify(image, header, head, source.Path, expected, embedding);

            // Before the judgement, which is of no use then.
            source.CheckUnchanged();
            CheckUnchanged(request, identity);
            if (weights == RomWeights.Plain && !copyDigest.AsSpan().SequenceEqual(digest))
                throw ModelSource.Changed(request.File);
            if (verified is not { } flags)
                return (null, "packed, it did not compute the same bits as llama.cpp's own load");
            header = header with { Flags = flags, BurnTime = Stopwatch.GetElapsedTime(start) };
            Publish(image, header, id);
            Published?.Invoke(id);
            work.Report(RomBurnPhase.Verifying, source.Length);
            return (new RomBurned(id, header, identity, Burned: true), null);
        }
        finally
        {
            // Under the lock: nothing is left of a burn that did not publish, and renamed images are not found there.
            RomDraft.Remove(directory, id, image);
        }
    }

    private static void CheckUnchanged(RomBurnRequest request, RomSource identity)
    {
        if (RomSource.OfModel(request.File) != identity)
            throw ModelSource.Changed(request.File);
    }

    // What llama.cpp computes by its own load with the same packing, which of tied embeddings is its default: no list of tensors
    // makes it pack one of the two. Before anything is written, so that its copy and the image are not there at the same time; and
    // read rather than mapped, so that it, too, bears a file that is shortened.
    private float[][]? Expected(ModelSource source, IReadOnlyList<PackedTensors> packing, bool tied, bool embedding)
    {
        LlamaModelSettings settings = tied ? new() { Repack = true, Map = false } : new() { Packing = packing, Map = false };
        using LlamaModel own = LlamaModel.Load(source.Path, settings, null, cancellationToken);
        return RomProbe.Outputs(own, source.Path, embedding, cancellationToken);
    }

    // The image as every process will attach it. A plain one is the file byte for byte, which its digest shows, and llama.cpp loads
    // it by itself: there is nothing to compare.
    private RomFlags? Verify(SafeFileHandle image, RomHeader header, GgufFile head, string path, float[][]? expected, bool embedding)
    {
        using var rom = new RomFile(new SafeFileHandle(image.DangerousGetHandle(), ownsHandle: false), header, path);
        using LlamaModel attached = RomAttacher.Attach(rom, new LlamaModelSettings(), null, cancellationToken).Model;
        float[][]? outputs = RomProbe.Outputs(attached, path, embedding, cancellationToken);
        if (outputs is null || (header.Weights == RomWeights.Packed && !RomProbe.Same(outputs, expected)))
            return null;
        if (embedding)
            return RomFlags.None;
        return (RomProbe.IsBatchInvariant(attached, cancellationToken) ? RomFlags.BatchInvariant : RomFlags.None)
            | (header.Weights == RomWeights.Packed && RomPacking.ShowsAll(head, header.Packing, header.Tied) && RomProbe.AreRowsAlike(attached, cancellationToken)
                ? RomFlags.RowsAreAlike : RomFlags.None);
    }

    private void Publish(SafeFileHandle image, RomHeader header, string id)
    {
        byte[] page = RomHeaderPage.Write(header);
        Check(LibcNative.fchmod(image, directory.ImageMode), "made read-only");
        RandomAccess.Write(image, page.AsSpan(RomLayout.Magic.Length), RomLayout.Magic.Length);
        Check(LibcNative.fsync(image), "written out");
        RandomAccess.Write(image, RomLayout.Magic, RomLayout.MagicAt);
        Check(LibcNative.fsync(image), "written out");
        Check(LibcNative.rename(directory.BurnPath(id), directory.ImagePath(id)), "renamed");

        void Check(int result, string what)
        {
            if (result != 0)
            {
                throw new VaiEngineException(
                    VaiError.FileNotWritable,
                    $"{directory.BurnPath(id)}: could not be {what} ({Marshal.GetLastPInvokeErrorMessage()}). Check the file system and burn again.");
            }
        }
    }

    // Before the whole file is read, too, where it is sure that there is something to burn.
    private void CheckRoom(ModelSource source, RomBurnRequest request)
    {
        if (RomFile.IsThere(directory, source.Header) || Directory.EnumerateFiles(directory.Path, "*" + RomDirectory.BurnSuffix).Any())
            return;
        (long bytes, bool packed) = RomSize.Of(source, request.Profile);
        CheckRoom(source.Header, bytes, packed, request);
    }

    // Before anything is written: for want of memory the kernel would end the process.
    private void CheckRoom(GgufFile head, long imageBytes, bool packed, RomBurnRequest request)
    {
        if (directory.Space.Free < imageBytes)
            throw directory.NoSpace(imageBytes);
        MemoryRoom.Read().Require(
            RomSize.BurnPeak(head, imageBytes, packed, directory.IsInMemory),
            $"Burning '{request.File}' into {directory.Path}",
            directory.IsInMemory ? $"evict a ROM, or set {RomDirectory.Variable} to a directory on a disk" : "unload a model");
    }
}
