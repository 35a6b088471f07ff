using Microsoft.Extensions.Options;
using VAI.Native.Llama;
using VAI.OptionRules;

namespace VAI;

/// <summary>What an <see cref="IVai"/> is made with.</summary>
public sealed class VaiOptions
{
    private readonly List<ModelOptions> _models = [];

    // A socket that nobody has named.
    private string? _foundSocket;

    /// <summary>The models that can be loaded by name.</summary>
    [ValidateEnumeratedItems(typeof(ModelOptionsValidator))]
    public IReadOnlyList<ModelOptions> Models => _models;

    /// <summary>
    /// Compute threads, shared by all models, 1 to 512; null for one per physical core this process may use. It takes fewer while
    /// somebody else uses the cores, unless <see cref="FixedThreads"/> says otherwise.
    /// </summary>
    [Between(1, LlamaThreadpool.MaxThreads)]
    public int? Threads { get; set; }

    /// <summary>
    /// Whether each step is computed by all <see cref="Threads"/>, whatever else uses the cores. Threads wait for each other at every
    /// operation: where one has no core for a while, all stand still.
    /// </summary>
    public bool FixedThreads { get; set; }

    /// <summary>
    /// How much of the compute time it gets against other processes that use the same ROM directory and compute at the same time, 1 to 100: one
    /// of 2 gets twice as much as one of 1.
    /// </summary>
    [Between(1, 100)]
    public int Share { get; set; } = 1;

    /// <summary>
    /// How far its compute threads stand back for whatever else runs on the machine, 0 to 19, as nice(1) says it: 0 as all others, 19 almost
    /// always. Under Linux; where it is refused, it is said in the log and they run as all others. A thread that .NET's pool happens to start
    /// from the pipeline's inherits it.
    /// </summary>
    [Between(0, 19)]
    public int Nice { get; set; }

    /// <summary>
    /// Whether its compute threads are scheduled as work that nobody waits for (SCHED_BATCH, sched(7)): they interrupt nobody when they wake.
    /// Under Linux; as for <see cref="Nice"/> where it is refused.
    /// </summary>
    public bool BatchScheduling { get; set; }

    /// <summary>
    /// The directory of llama.cpp's libraries; null to look in <c>VAI_LLAMA_DIR</c>, beside the application and in the
    /// system. The first <see cref="IVai"/> of a process decides: the libraries are loaded once.
    /// </summary>
    [Path]
    public string? NativeDirectory { get; set; }

    /// <summary>
    /// The ROM directory: private (mode 0700, or 0750 for a group), on a file system with room for the models. Null for
    /// <c>VAI_ROM_DIR</c>, or else a directory of this user in <c>/dev/shm</c>. It is opened by the first load that needs it.
    /// </summary>
    [Path]
    public string? RomDirectory { get; set; }

    /// <summary>How long a load waits for another process that is burning the same ROM, 0 seconds or more.</summary>
    [Between(0, int.MaxValue)]
    public TimeSpan RomWait { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>
    /// Host memory for parked KV, in bytes, 0 or more, shared by all models. What it has no room for is computed again from the session's log.
    /// </summary>
    [Between(0, long.MaxValue)]
    public long ParkLimit { get; set; } = 4L << 30;

    /// <summary>
    /// Most that models may take of each GPU's memory, in bytes, 0 or more; null for all of it. What does not fit is refused, and nothing of it is loaded.
    /// </summary>
    [Between(0, long.MaxValue)]
    public long? VramLimit { get; set; }

    /// <summary>
    /// Where copies of KV are kept for a process that takes over when this one dies; null for none. They count as parked KV.
    /// </summary>
    internal string? StashDirectory { get; set; }

    /// <summary>Told of whatever the engine does; null for nobody.</summary>
    internal Diagnostics.IEngineProgress? Progress { get; set; }

    /// <summary>
    /// The Unix socket of the daemon that is to answer instead of an engine in this process; null for an engine. Of the options
    /// above none matters then: the daemon has its own. Its models can be selected, and those added here can be loaded.
    /// </summary>
    [SocketPath]
    public string? DaemonSocket { get; set; }

    /// <summary>Whether <see cref="DaemonSocket"/> is the user's own word.</summary>
    internal bool DaemonSocketIsNamed => DaemonSocket != _foundSocket;

    /// <summary>
    /// How long calls wait for a daemon that went away to come back, 0 to 1 day; they go on as if nothing had happened then. A daemon
    /// that was never there is not waited for.
    /// </summary>
    [Between(0, 86_400)]
    public TimeSpan DaemonReconnect { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Lets a daemon (<c>vai serve</c>) answer instead of an engine in this process. Connects with the first call that needs it.</summary>
    /// <param name="socketPath">
    /// Its Unix socket; null for <c>VAI_SOCKET</c>, or else <c>vai/vai.sock</c> in <c>XDG_RUNTIME_DIR</c>, else <c>/run/vai/vai.sock</c>
    /// for root, else <c>/tmp/vai-UID/vai.sock</c>. One that neither this nor the variable names must belong to this user or to root.
    /// </param>
    /// <returns>These options.</returns>
    public VaiOptions UseDaemon(string? socketPath = null)
    {
        DaemonSocket = socketPath ?? Remote.DaemonSocket.DefaultPath;
        _foundSocket = socketPath is null && !Remote.DaemonSocket.IsNamed ? DaemonSocket : null;
        return this;
    }

    /// <summary>Adds a model that <see cref="IVai.LoadAsync(string, IProgress{LoadProgress}?, CancellationToken)"/> can load. Reads nothing.</summary>
    /// <param name="name">The name to load and select it by, 1 to 128 characters, not yet taken.</param>
    /// <param name="file">Its GGUF file.</param>
    /// <param name="configure">Changes its other options.</param>
    /// <returns>These options.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: the name is taken.</exception>
    public VaiOptions AddModel(string name, string file, Action<ModelOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentException.ThrowIfNullOrEmpty(file);
        var model = new ModelOptions { Name = name, File = file };
        configure?.Invoke(model);
        if (_models.Any(m => m.Name == model.Name))
            throw new VaiUsageException(VaiError.InvalidOption, $"Two models are called '{model.Name}'. Give each a name of its own.");
        _models.Add(model);
        return this;
    }
}
