using VAI.Diagnostics;
using VAI.Native.Abi;
using VAI.Native.Registry.Entries;
using VAI.Native.Rom;
using VAI.Native.Source;
using VAI.OptionRules;

namespace VAI;

/// <summary>
/// The ROMs of one directory: burned once, attached by every process, there until they are evicted. Thread-safe.
/// </summary>
/// <remarks>An <see cref="IVai"/> needs none of this: its loads burn and attach by themselves.</remarks>
public sealed class RomCatalog : IDisposable
{
    private readonly RomStore _store;
    private readonly TimeSpan _wait;
    private volatile bool _disposed;

    private RomCatalog(RomStore store, TimeSpan wait)
    {
        _store = store;
        _wait = wait;
    }

    /// <summary>The directory's path.</summary>
    public string Directory => _store.Directory.Path;

    /// <summary>Opens a ROM directory, makes it if it is missing, and puts right what processes that died have left in it.</summary>
    /// <param name="options">
    /// <see cref="VaiOptions.RomDirectory"/>, <see cref="VaiOptions.RomWait"/> and <see cref="VaiOptions.NativeDirectory"/> count;
    /// null for their defaults.
    /// </param>
    /// <returns>The catalog, which its caller disposes.</returns>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.RomDirectoryUnsafe"/> or <see cref="VaiError.FileNotWritable"/>; <see cref="VaiError.InvalidOption"/>, of any option.
    /// </exception>
    /// <exception cref="VaiEngineException">The registry cannot be used, or llama.cpp was not found.</exception>
    public static RomCatalog Open(VaiOptions? options = null)
    {
        options ??= new VaiOptions();
        OptionCheck.Options(options);
        NativeLoader.EnsureLoaded(options.NativeDirectory);
        return new RomCatalog(RomStore.Open(options.RomDirectory), options.RomWait);
    }

    /// <summary>Burns a model, unless its ROM is there already; either way the name stands for it afterwards.</summary>
    /// <param name="file">The GGUF file, or the first part of a model in several.</param>
    /// <param name="name">1 to 128 characters, and at most 256 bytes as UTF-8; null for the file's own name. A ROM that loses its last name so is removed.</param>
    /// <param name="profile"><see cref="RomProfile.Fast"/> or <see cref="RomProfile.Exact"/>.</param>
    /// <param name="progress">Told of each step, on the burning thread.</param>
    /// <param name="cancellationToken">Stops the burn; nothing is left of it.</param>
    /// <returns>The ROM.</returns>
    /// <exception cref="VaiUsageException">The file, the name or the directory cannot be used.</exception>
    /// <exception cref="VaiModelException">The model is damaged, or none that VAI can run.</exception>
    /// <exception cref="VaiEngineException">
    /// <see cref="VaiError.RomNoSpace"/>, or <see cref="VaiError.RomBurning"/>: another process did not finish it in time.
    /// </exception>
    public async Task<RomBurnResult> BurnAsync(
        string file,
        string? name = null,
        RomProfile profile = RomProfile.Fast,
        IProgress<RomBurnProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        ObjectDisposedException.ThrowIf(_disposed, this);
        name ??= SplitName.StemOf(file);
        OptionCheck.Range(name.Length, 1, 128, "The length of a ROM's name");
        if (profile is not (RomProfile.Fast or RomProfile.Exact))
            throw OptionCheck.Invalid($"A ROM is burned with profile Fast or Exact, not {profile}.");
        Action<RomBurnProgress>? report = progress is null ? null : progress.Report;
        (RegistryEntry entry, bool burned) = await Task.Run(
            () => _store.Burn(new RomBurnRequest(file, name, profile, _wait), rename: true, report, cancellationToken),
            cancellationToken).ConfigureAwait(false);
        return new RomBurnResult(RomStatusReader.Info(entry, _store), burned);
    }

    /// <summary>Reads a whole ROM and compares it with the digest that was taken when it was burned.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="progress">Told the fraction read, 0 to 1.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The ROM, which is what was burned.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.RomNotBurned"/>.</exception>
    /// <exception cref="VaiEngineException"><see cref="VaiError.RomDamaged"/>, <see cref="VaiError.RomTruncated"/> or <see cref="VaiError.RomTooNew"/>.</exception>
    public async Task<RomInfo> VerifyAsync(string name, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(_disposed, this);
        RegistryEntry entry = await Task.Run(
            () => _store.Verify(name, (done, all) => progress?.Report((double)done / all), cancellationToken),
            cancellationToken).ConfigureAwait(false);
        return RomStatusReader.Info(entry, _store);
    }

    /// <summary>Takes a ROM's name away, and its memory with the last name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="force">Whether to wait, while processes are attached, until none is; new ones are refused meanwhile.</param>
    /// <param name="waiting">Told how many processes are waited for.</param>
    /// <param name="cancellationToken">Stops the waiting; the ROM stays.</param>
    /// <returns>What became free.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.RomNotBurned"/> or <see cref="VaiError.RomInUse"/>.</exception>
    public async Task<RomEviction> EvictAsync(
        string name, bool force = false, IProgress<int>? waiting = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(_disposed, this);
        RomEvicted evicted = await Task.Run(
            () => _store.Evict(name, force, n => waiting?.Report(n), cancellationToken), cancellationToken).ConfigureAwait(false);
        return new RomEviction(name, evicted.Bytes, evicted.KeptFor);
    }

    /// <summary>
    /// What a ROM directory holds and who uses it, read from shared memory alone: nothing is asked, locked, made or loaded.
    /// </summary>
    /// <param name="directory">As <see cref="VaiOptions.RomDirectory"/>.</param>
    /// <returns>The status; of an empty directory where there is none.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.RomDirectoryUnsafe"/>.</exception>
    /// <exception cref="VaiEngineException">
    /// <see cref="VaiError.RegistryDamaged"/>, <see cref="VaiError.RomTooNew"/> or <see cref="VaiError.RegistryTooOld"/>.
    /// </exception>
    public static RomStatus ReadStatus(string? directory = null) => RomStatusReader.Read(directory);

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _store.Dispose();
    }
}
