namespace VAI;

/// <summary>What an <see cref="IVai"/> is made with.</summary>
public sealed class VaiOptions
{
    private readonly List<ModelOptions> _models = [];

    /// <summary>The models that can be loaded by name.</summary>
    public IReadOnlyList<ModelOptions> Models => _models;

    /// <summary>Compute threads, shared by all models, 1 to 512; null for one per physical core this process may use.</summary>
    public int? Threads { get; set; }

    /// <summary>
    /// The directory of llama.cpp's libraries; null to look in <c>VAI_LLAMA_DIR</c>, beside the application and in the
    /// system. The first <see cref="IVai"/> of a process decides: the libraries are loaded once.
    /// </summary>
    public string? NativeDirectory { get; set; }

    /// <summary>
    /// The ROM directory: private (mode 0700, or 0750 for a group), on a file system with room for the models. Null for
    /// <c>VAI_ROM_DIR</c>, or else a directory of this user in <c>/dev/shm</c>. It is opened by the first load that needs it.
    /// </summary>
    public string? RomDirectory { get; set; }

    /// <summary>How long a load waits for another process that is burning the same ROM.</summary>
    public TimeSpan RomWait { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>
    /// Host memory for parked KV, in bytes, shared by all models. What it has no room for is computed again from the session's log.
    /// </summary>
    public long ParkLimit { get; set; } = 4L << 30;

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
        if (_models.Any(m => m.Name == name))
            throw new VaiUsageException(VaiError.InvalidOption, $"Two models are called '{name}'. Give each a name of its own.");
        var model = new ModelOptions { Name = name, File = file };
        configure?.Invoke(model);
        _models.Add(model);
        return this;
    }
}
