using Microsoft.Win32.SafeHandles;
using VAI.Native.Source;

namespace VAI.Forge;

/// <summary>The file or files under temporary names, until all are whole.</summary>
internal sealed class ForgeOutput
{
    private const string Suffix = ".gguf";

    private readonly bool _overwrite;
    private readonly string[] _files;
    private readonly string[] _temporary;

    /// <exception cref="VaiUsageException">Nothing can be written there.</exception>
    public ForgeOutput(string file, bool overwrite, int parts)
    {
        if (file.Length == 0 || file.Contains('\0'))
            throw Unusable(file, "is no file name");

        string path = Path.GetFullPath(file);
        _overwrite = overwrite;
        string? directory = Path.GetDirectoryName(path);
        var name = new SplitName(path.EndsWith(Suffix, StringComparison.Ordinal) ? path[..^Suffix.Length] : path, 1, parts);
        _files = parts == 1 ? [path] : [.. Enumerable.Range(1, parts).Select(name.PathOf)];
        foreach (string one in _files)
        {
            if (directory is null || Directory.Exists(one))
                throw Unusable(one, "is a directory");
            if (!Directory.Exists(directory))
                throw Unusable(one, "is in a directory that does not exist");
            if (Path.Exists(one) && !overwrite)
                throw Unusable(one, "exists; choose another name or allow overwriting");
        }

        _temporary = [.. _files.Select(f => Path.Combine(directory!, $".{Path.GetFileName(f)}.{Path.GetRandomFileName()}.part"))];
    }

    /// <summary>Full path of the file, or of the first one, when it is whole.</summary>
    public string File => _files[0];

    /// <param name="files">What stands before the weights of each, and how long each is.</param>
    /// <param name="weights">Writes them; told the open files, and what to tell of the bytes it wrote, from any thread.</param>
    /// <param name="progress">Told of every percent.</param>
    /// <param name="cancellationToken">Nothing is left when it is cancelled.</param>
    public void Write(
        IReadOnlyList<PlannedFile> files,
        Action<IReadOnlyList<SafeFileHandle>, Action<long>> weights,
        IProgress<ForgeProgress>? progress,
        CancellationToken cancellationToken)
    {
        long total = files.Sum(f => f.Bytes);
        bool whole = false;
        try
        {
            var handles = new List<SafeFileHandle>();
            try
            {
                var meter = new Meter(progress, total);
                foreach ((PlannedFile file, string temporary) in files.Zip(_temporary))
                {
                    // Space is reserved first, so that a full disk is found out at once.
                    SafeFileHandle handle = System.IO.File.OpenHandle(
                        temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, file.Bytes);
                    handles.Add(handle);
                    RandomAccess.SetLength(handle, file.Bytes);
                    RandomAccess.Write(handle, file.Header, 0);
                    meter.Add(file.Header.Length);
                }

                weights(handles, meter.Add);
                meter.Finish();
            }
            finally
            {
                handles.ForEach(h => h.Dispose());
            }

            cancellationToken.ThrowIfCancellationRequested();

            // The first one last: it is what the model goes by.
            for (int i = _files.Length - 1; i >= 0; i--)
                System.IO.File.Move(_temporary[i], _files[i], _overwrite);
            whole = true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new VaiEngineException(VaiError.FileNotWritable,
                $"{File} ({total:N0} bytes) could not be written: {failure.Message}", failure);
        }
        finally
        {
            // Deleting what was never created may fail for the same reason, and would hide it.
            foreach (string temporary in _temporary.Where(t => !whole && System.IO.File.Exists(t)))
                System.IO.File.Delete(temporary);
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
