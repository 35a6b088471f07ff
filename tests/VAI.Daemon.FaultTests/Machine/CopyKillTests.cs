using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using VAI.Remote;
using VAI.Sram;
using Xunit.Abstractions;

namespace VAI.Daemon.FaultTests.Machine;

/// <summary>SIGKILL of the engine in the middle of a copy of KV to shared memory: the copy before counts, or none, and the tokens are the same.</summary>
[Collection(FaultCollection.Name)]
public sealed class CopyKillTests(ForgedModels models, ITestOutputHelper output)
{
    private const int Kills = 6;
    private const int Tokens = 160;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task What_a_copy_was_killed_in_the_middle_of_is_not_used()
    {
        string roms = models.NewRomDirectory();
        await using DaemonProcess daemon = await DaemonProcess.ServeAsync(
            models.NewPlace(), "--model", $"a={models.Model("small", 1)}", "--profile", "exact", "--ctx", "512", "--sram", "1024", "--rom-dir", roms);
        await using RemoteVai vai = daemon.Connect();
        var expected = new StreamRun("a", 1, Tokens);
        await expected.RunAsync(vai);
        int amid = 0, before = 0;
        for (int kill = 1; kill <= Kills; kill++)
        {
            await daemon.LogsAsync("VAI.Supervisor[313]", kill);
            using Process engine = await daemon.WorkerAsync();
            var actual = new StreamRun("a", 1, Tokens);
            Task stream = actual.RunAsync(vai);

            // Every other time one that has a copy before it.
            using var copies = new Copies(Path.Combine(roms, ".vai-kv"), second: kill % 2 == 0);
            await Task.Factory.StartNew(() => copies.Await(stream), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            engine.Kill();
            await engine.WaitForExitAsync().WaitAsync(Limit);
            bool hit = copies.IsAmid;
            await stream.WaitAsync(Limit);
            StreamRun.Same(expected, actual);
            amid += hit ? 1 : 0;
            before += hit && actual.Result!.ReusedTokens > 0 ? 1 : 0;
            output.WriteLine($"kill {kill}: {(hit ? "amid a copy" : "beside it")}, {actual.Result!.ReusedTokens} tokens not computed again");
        }

        Assert.Equal(Kills, (await vai.StatusAsync(default)).WorkerRestarts);

        // Else it has shown nothing.
        Assert.NotEqual(0, amid);
        Assert.NotEqual(0, before);
    }

    /// <summary>The copies of the engine, as they are made: <see cref="KvStashFile"/>'s layout.</summary>
    private sealed unsafe class Copies(string directory, bool second) : IDisposable
    {
        private const int CurrentAt = 12;
        private const int Head = 4096;
        private const int Stride = 64 << 10;

        private readonly Dictionary<string, Map> _maps = [];
        private Map? _begun;

        /// <summary>Whether the one that has begun was not finished: for when its process is dead.</summary>
        public bool IsAmid => _begun is { } map && map.Current == map.CurrentThen;

        /// <summary>Returns as soon as a copy has begun; or when that has ended.</summary>
        public void Await(Task end)
        {
            long looked = 0;
            while (!end.IsCompleted)
            {
                if (looked == 0 || Stopwatch.GetElapsedTime(looked) > TimeSpan.FromMilliseconds(2))
                {
                    Look();
                    looked = Stopwatch.GetTimestamp();
                }

                foreach (Map map in _maps.Values)
                {
                    if (!map.HasBegun(second))
                        continue;
                    _begun = map;
                    return;
                }
            }
        }

        public void Dispose()
        {
            foreach (Map map in _maps.Values)
                map.Dispose();
        }

        private void Look()
        {
            foreach (string file in Directory.Exists(directory) ? Directory.EnumerateFiles(directory, "*" + KvStashFile.Suffix, SearchOption.AllDirectories) : [])
            {
                if (_maps.ContainsKey(file) || Path.GetFileName(Path.GetDirectoryName(file)) == KvStashDirectory.Inherited)
                    continue;
                try
                {
                    _maps.Add(file, new Map(file));
                }
                catch (IOException)
                {
                    // Gone, or only just made.
                }
            }
        }

        private sealed class Map : IDisposable
        {
            private readonly MemoryMappedFile _file;
            private readonly MemoryMappedViewAccessor _view;
            private readonly byte* _start;
            private readonly long _half;
            private ulong _sum;

            public Map(string path)
            {
                var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                long length = stream.Length;
                if (length <= Head)
                {
                    stream.Dispose();
                    throw new IOException("It is being made.");
                }

                _file = MemoryMappedFile.CreateFromFile(
                    stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
                _view = _file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
                _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
                _half = (length - Head) / 2;
                (CurrentThen, _sum) = (Current, Sum());
            }

            public int Current => Volatile.Read(ref *(int*)(_start + CurrentAt));

            public int CurrentThen { get; private set; }

            public bool HasBegun(bool second)
            {
                int current = Current;
                ulong sum = Sum();
                bool begun = current == CurrentThen && sum != _sum && (!second || current != 0);
                if (!begun && (current != CurrentThen || sum != _sum))
                    (CurrentThen, _sum) = (current, Sum());
                return begun;
            }

            public void Dispose()
            {
                _view.SafeMemoryMappedViewHandle.ReleasePointer();
                _view.Dispose();
                _file.Dispose();
            }

            // Of places in the half that the next copy goes to.
            private ulong Sum()
            {
                byte* half = _start + Head + (Current == 1 ? _half : 0);
                ulong sum = 0;
                for (long at = Stride / 2; at + sizeof(ulong) <= _half; at += Stride)
                    sum = (sum * 31) + *(ulong*)(half + at);
                return sum;
            }
        }
    }
}
