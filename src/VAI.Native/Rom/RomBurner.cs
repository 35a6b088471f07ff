using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using VAI.Native.Gguf;
using VAI.Native.Interop;
using VAI.Native.Llama;
using VAI.Native.Memory;

namespace VAI.Native.Rom;

/// <summary>What to burn.</summary>
/// <param name="File">The GGUF file.</param>
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
/// From a GGUF file to a sealed image: reserve, fill, digest, verify, make read-only, sync, publish. Until it is published the
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
        RomSource identity = Identify(request.File);
        using var source = GgufFile.Open(request.File);
        GgufModelInfo.From(source).Validate();
        var work = new RomWork(source.Length, report);
        byte[] digest = RomFile.DigestOf(source.Bytes, done => work.Report(RomBurnPhase.Digesting, done), cancellationToken);

        string note = "";
        if (request.Profile == RomProfile.Fast && FindTied(source) is { } output && RomTied.Packing(source, output) is { } tied && RomPacking.Fits(tied))
        {
            try
            {
                (RomBurned? burned, string? distrust) = Burn(request, source, identity, digest, tied, output, "", work);
                if (burned is not null)
                    return burned;
                note = $"its output matrix is plain: {distrust}";
            }
            catch (VaiException e) when (e.Code is VaiError.ModelRejected or VaiError.RomMismatch or VaiError.UnknownAbi)
            {
                note = "its output matrix is plain: llama.cpp does not take it packed";
            }
        }

        // What keeps a packed image from being made is known only after trying; the plain one follows then.
        IReadOnlyList<PackedTensors> packing = request.Profile == RomProfile.Fast ? RomPacking.For(source) : [];
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
        GgufFile source,
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
            Began?.Invoke(id);
            var fill = new RomFill(image, directory, source, work, cancellationToken);
            RomFilled? filled = weights == RomWeights.Packed ? fill.Packed(packing, tied) : fill.Plain();
            if (filled is null)
                return (null, fill.Distrust);
            (string build, string cpu) = RomBuild.Current;
            var header = new RomHeader
            {
                Profile = request.Profile,
                Weights = weights,
                ImageBytes = filled.ImageBytes,
                MetadataBytes = source.DataOffset,
                MetadataCrc = RomHeaderPage.Crc(source.Slice(0, (int)source.DataOffset)),
                ImageDigest = RomFile.DigestOf(image, filled.ImageBytes, source.Path, done => work.Report(RomBurnPhase.Sealing, done), cancellationToken),
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
            RomFlags? verified = Verify(image, header, source, packing);

            // Before the judgement, which is of no use then.
            CheckUnchanged(request, identity);
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
        if (Identify(request.File) != identity)
        {
            throw new VaiUsageException(
                VaiError.FileNotReadable, $"{request.File}: the file was changed while it was burned. Burn it again when it is complete.");
        }
    }

    // The image as every process will attach it, against llama.cpp's own load of the file with the same packing, which of tied
    // embeddings is its default: no list of tensors makes it pack one of the two.
    private RomFlags? Verify(SafeFileHandle image, RomHeader header, GgufFile source, IReadOnlyList<PackedTensors> packing)
    {
        bool embedding = GgufModelInfo.From(source).IsEmbedding;
        using var rom = new RomFile(new SafeFileHandle(image.DangerousGetHandle(), ownsHandle: false), header, source.Path);
        using LlamaModel attached = RomAttacher.Attach(rom, new LlamaModelSettings(), null, cancellationToken).Model;
        using LlamaModel own = LlamaModel.Load(
            source.Path, header.Tied is null ? new LlamaModelSettings { Packing = packing } : new LlamaModelSettings { Repack = true }, null, cancellationToken);
        if (!RomProbe.Same(attached, own, source.Path, embedding, cancellationToken))
            return null;
        return !embedding && RomProbe.IsBatchInvariant(attached, cancellationToken) ? RomFlags.BatchInvariant : RomFlags.None;
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

    /// <summary>What a file is found by without reading all of it again.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotFound"/> or <see cref="VaiError.FileNotReadable"/>.</exception>
    public static RomSource Identify(string file) => RomSource.Of(file);
}
