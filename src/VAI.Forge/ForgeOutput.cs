using Microsoft.Win32.SafeHandles;
using VAI.Forge.Weights;

namespace VAI.Forge;

/// <summary>The file under its temporary name, until it is whole.</summary>
internal sealed class ForgeOutput
{
    private readonly string _file;
    private readonly bool _overwrite;
    private readonly string _temporary;

    public ForgeOutput(string file, bool overwrite)
    {
        _file = file;
        _overwrite = overwrite;
        string directory = Path.GetDirectoryName(file) ?? throw Unusable("is no file name");
        if (!Directory.Exists(directory))
            throw Unusable("is in a directory that does not exist");
        if (Directory.Exists(file))
            throw Unusable("is a directory");
        if (File.Exists(file) && !overwrite)
            throw Unusable("exists; choose another name or allow overwriting");

        _temporary = Path.Combine(directory, $".{Path.GetFileName(file)}.{Path.GetRandomFileName()}.part");
    }

    public void Write(
        ForgePlan plan, ulong seed, int threads, IProgress<ForgeProgress>? progress, CancellationToken cancellationToken)
    {
        bool whole = false;
        try
        {
            // Space is reserved first, so that a full disk is found out at once.
            using (SafeFileHandle handle = File.OpenHandle(
                _temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, plan.TotalBytes))
            {
                var meter = new Meter(progress, plan.TotalBytes);
                RandomAccess.SetLength(handle, plan.TotalBytes);
                RandomAccess.Write(handle, plan.Header, 0);
                meter.Add(plan.Header.Length);
                new WeightWriter(handle, seed, plan.Vocabulary.QuietTokens, meter.Add).Write(plan.Tensors, threads, cancellationToken);
                meter.Finish();
            }

            cancellationToken.ThrowIfCancellationRequested();
            File.Move(_temporary, _file, _overwrite);
            whole = true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new VaiEngineException(VaiError.FileNotWritable,
                $"{_file} ({plan.TotalBytes:N0} bytes) could not be written: {failure.Message}", failure);
        }
        finally
        {
            if (!whole)
                File.Delete(_temporary);
        }
    }

    private VaiUsageException Unusable(string why) => new(VaiError.InvalidOption, $"The output file {_file} {why}.");

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
