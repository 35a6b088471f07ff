using Microsoft.Win32.SafeHandles;
using VAI.Forge.Weights;

namespace VAI.Forge;

/// <summary>The file under its temporary name, until it is whole.</summary>
internal sealed class ForgeOutput
{
    private readonly bool _overwrite;
    private readonly string _temporary;

    /// <exception cref="VaiUsageException">Nothing can be written there.</exception>
    public ForgeOutput(string file, bool overwrite)
    {
        if (file.Length == 0 || file.Contains('\0'))
            throw Unusable(file, "is no file name");

        File = Path.GetFullPath(file);
        _overwrite = overwrite;
        string? directory = Path.GetDirectoryName(File);
        if (directory is null || Directory.Exists(File))
            throw Unusable(File, "is a directory");
        if (!Directory.Exists(directory))
            throw Unusable(File, "is in a directory that does not exist");
        if (Path.Exists(File) && !overwrite)
            throw Unusable(File, "exists; choose another name or allow overwriting");

        _temporary = Path.Combine(directory, $".{Path.GetFileName(File)}.{Path.GetRandomFileName()}.part");
    }

    /// <summary>Full path of the file when it is whole.</summary>
    public string File { get; }

    public void Write(
        ForgePlan plan, ulong seed, int threads, IProgress<ForgeProgress>? progress, CancellationToken cancellationToken)
    {
        bool whole = false;
        try
        {
            // Space is reserved first, so that a full disk is found out at once.
            using (SafeFileHandle handle = System.IO.File.OpenHandle(
                _temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, plan.TotalBytes))
            {
                var meter = new Meter(progress, plan.TotalBytes);
                RandomAccess.SetLength(handle, plan.TotalBytes);
                RandomAccess.Write(handle, plan.Header, 0);
                meter.Add(plan.Header.Length);
                new WeightWriter(handle, seed, plan.Vocabulary.QuietTokens, meter.Add)
                    .Write(plan.Tensors, threads, cancellationToken);
                meter.Finish();
            }

            cancellationToken.ThrowIfCancellationRequested();
            System.IO.File.Move(_temporary, File, _overwrite);
            whole = true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new VaiEngineException(VaiError.FileNotWritable,
                $"{File} ({plan.TotalBytes:N0} bytes) could not be written: {failure.Message}", failure);
        }
        finally
        {
            // Deleting what was never created may fail for the same reason, and would hide it.
            if (!whole && System.IO.File.Exists(_temporary))
                System.IO.File.Delete(_temporary);
        }
    }

    private static VaiUsageException Unusable(string file, string why) =>
        new(VaiError.InvalidOption, $"The output file '{file}' {why}.");

    /// <summary>Adds up what the threads write, and reports when another percent is done.</summary>
    private sealed class Meter
    {
        private readonly Lock _gate = new();
        private readonly IProgress<ForgeProgress>? _progress;
        private readonly long _total;
        private long _written;
        private long _percent = -1;

        public Meter(IProgress<ForgeProgress>? progress, long total)
        {
            _progress = progress;
            _total = total;
        }

        public void Add(long bytes)
        {
            lock (_gate)
            {
                _written += bytes;
                Report();
            }
        }

        public void Finish()
        {
            // What is left is the padding between tensors.
            lock (_gate)
            {
                _written = _total;
                Report();
            }
        }

        private void Report()
        {
            long percent = _written * 100 / _total;
            if (percent == _percent)
                return;
            _percent = percent;
            _progress?.Report(new ForgeProgress(_written, _total));
        }
    }
}
