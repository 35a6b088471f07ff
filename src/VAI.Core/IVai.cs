namespace VAI;

/// <summary>
/// The models resident in this process and the verbs that move them. Only <see cref="LoadAsync(string, IProgress{LoadProgress}?, CancellationToken)"/>
/// and <see cref="UnloadAsync"/> move weights; selecting one never does I/O and never allocates.
/// </summary>
/// <remarks>
/// <para>Thread-safe. Disposing ends every load, plan and transaction, closes every session and unloads every model; calls then fail with
/// <see cref="ObjectDisposedException"/>, and <see cref="Models"/> is empty. It may be done from anywhere, any number of times, by either method.</para>
/// <para>It waits for the end, with one exception: in what the engine calls in the middle of its own work (a load's progress, a listener
/// of its meters, a logger) it begins the end and returns at once, since the engine cannot end before that returns. For the same reason a
/// callback there must not wait for any other call to the engine, or for a thread that does. The loop that reads updates may do all of it.</para>
/// </remarks>
public interface IVai : IAsyncDisposable, IDisposable
{
    /// <summary>The models whose weights are loaded now, in the order they were loaded.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.DaemonUnavailable"/>: there is no daemon yet to ask (<see cref="VaiOptions.UseDaemon"/>).</exception>
    IReadOnlyList<IModelContext> Models { get; }

    /// <summary>Loads a configured model. A model that is loaded already is not touched.</summary>
    /// <param name="name">A name given to <see cref="VaiOptions.AddModel(string, string, Action{ModelOptions}?)"/>.</param>
    /// <param name="progress">Told of each phase; may be called from any thread.</param>
    /// <param name="cancellationToken">Stops the load; nothing stays behind.</param>
    /// <returns>The handle to select the model by.</returns>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.UnknownModel"/>, <see cref="VaiError.InvalidOption"/> or <see cref="VaiError.FileNotFound"/>.
    /// </exception>
    /// <exception cref="VaiModelException">The file is damaged, has no tokenizer, or llama.cpp refuses it.</exception>
    /// <exception cref="VaiEngineException">No llama.cpp, or not enough memory.</exception>
    ValueTask<ModelHandle> LoadAsync(
        string name, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Loads a model that was not configured beforehand.</summary>
    /// <param name="model">Its name, file and geometry; copied.</param>
    /// <param name="progress">Told of each phase; may be called from any thread.</param>
    /// <param name="cancellationToken">Stops the load; nothing stays behind.</param>
    /// <returns>The handle to select the model by.</returns>
    /// <exception cref="VaiException">
    /// As for the other overload, and <see cref="VaiError.ModelAlreadyLoaded"/> where the name is taken by another file.
    /// </exception>
    ValueTask<ModelHandle> LoadAsync(
        ModelOptions model, IProgress<LoadProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Says what a model would take, from its header alone: no weight is read, no KV allocated, nothing burned or left behind. It takes
    /// about as long as reading the vocabulary twice, a few to a few hundred milliseconds, on a thread of the pool, and for that long some
    /// 50 bytes for each token of SRAM.
    /// </summary>
    /// <param name="model">The model and its geometry, as for a load; copied. Its ROM's metadata is read where there is a ROM.</param>
    /// <param name="cancellationToken">Gives up at the next step of a few milliseconds.</param>
    /// <returns>The plan.</returns>
    /// <exception cref="VaiException">As for loading the same model.</exception>
    ValueTask<MemoryPlan> PlanAsync(ModelOptions model, CancellationToken cancellationToken = default);

    /// <summary>As the other overload, for a configured model or with the default options.</summary>
    /// <param name="model">The name of a configured model; otherwise a GGUF file, or the name of a ROM.</param>
    /// <param name="cancellationToken">Gives up at the next step of a few milliseconds.</param>
    /// <returns>The plan.</returns>
    /// <exception cref="VaiException">As for loading the same model.</exception>
    ValueTask<MemoryPlan> PlanAsync(string model, CancellationToken cancellationToken = default);

    /// <summary>What there is to compute on, the CPU among it, with its memory at this moment. Loads llama.cpp if nothing has yet.</summary>
    /// <param name="cancellationToken">Gives up waiting for a daemon's answer.</param>
    /// <returns>The devices, in llama.cpp's order.</returns>
    /// <exception cref="VaiEngineException">No llama.cpp, or no daemon.</exception>
    ValueTask<IReadOnlyList<ComputeDevice>> DevicesAsync(CancellationToken cancellationToken = default);

    /// <summary>Frees a model's weights and its SRAM bank.</summary>
    /// <param name="handle">The model.</param>
    /// <param name="cancellationToken">Gives up waiting for its turn; the model stays loaded then.</param>
    /// <returns>A task that ends when the memory is free.</returns>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.ModelInUse"/> while sessions are open; <see cref="VaiError.ModelNotLoaded"/>.
    /// </exception>
    ValueTask UnloadAsync(ModelHandle handle, CancellationToken cancellationToken = default);

    /// <summary>Context select by handle: an array index.</summary>
    /// <param name="handle">The model.</param>
    /// <returns>The model, ready to open sessions on.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.ModelNotLoaded"/>: it was unloaded.</exception>
    IModelContext Select(ModelHandle handle);

    /// <summary>Context select by name.</summary>
    /// <param name="name">The model's name, compared ordinally.</param>
    /// <returns>The model, ready to open sessions on.</returns>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.ModelNotLoaded"/> or <see cref="VaiError.UnknownModel"/>. Nothing is loaded on the way.
    /// </exception>
    IModelContext Select(string name);
}
