using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using VAI.Diagnostics;
using VAI.Native.Source;
using VAI.OptionRules;
using VAI.Remote;
using VAI.Residency;

namespace VAI;

/// <summary>Where to start without a dependency-injection container.</summary>
public static class Vai
{
    /// <summary>
    /// Makes an <see cref="IVai"/>. Loads llama.cpp's libraries, but no model; with <see cref="VaiOptions.UseDaemon"/> nothing at all.
    /// </summary>
    /// <param name="configure">Adds models and sets options.</param>
    /// <param name="loggerFactory">Where VAI and llama.cpp log to; null for nowhere.</param>
    /// <returns>The engine, which its caller disposes.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>.</exception>
    /// <exception cref="VaiEngineException">llama.cpp was not found, or its layout is unknown.</exception>
    /// <exception cref="PlatformNotSupportedException">Not on Linux.</exception>
    public static IVai Create(Action<VaiOptions>? configure = null, ILoggerFactory? loggerFactory = null)
    {
        var options = new VaiOptions();
        configure?.Invoke(options);
        return Create(options, loggerFactory);
    }

    /// <summary>As the other overload, from options.</summary>
    /// <param name="options">The options; later changes to them are not seen.</param>
    /// <param name="loggerFactory">Where VAI and llama.cpp log to; null for nowhere.</param>
    /// <returns>The engine, which its caller disposes.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>.</exception>
    /// <exception cref="VaiEngineException">llama.cpp was not found, or its layout is unknown.</exception>
    /// <exception cref="PlatformNotSupportedException">Not on Linux.</exception>
    public static IVai Create(VaiOptions options, ILoggerFactory? loggerFactory = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionCheck.Options(options);
        if (options.DaemonSocket is { } socket)
        {
            var endpoint = new SocketEndpoint(
                Path.GetFullPath(socket), options.DaemonReconnect, options.DaemonSocketIsNamed ? null : Remote.DaemonSocket.CurrentUser);
            return new RemoteVai(endpoint, loggerFactory, options.Models);
        }

        return new VaiEngine(options, loggerFactory ?? NullLoggerFactory.Instance);
    }

    /// <summary>Reads what a GGUF file says of itself, without loading it and without native code.</summary>
    /// <param name="file">The file, or the first part of a model in several.</param>
    /// <returns>What it says.</returns>
    /// <exception cref="VaiUsageException"><see cref="VaiError.FileNotFound"/>; <see cref="VaiError.InvalidOption"/>: another part than the first.</exception>
    /// <exception cref="VaiModelException">The file is not GGUF or is damaged; the message names the field and its byte offset.</exception>
    public static ModelInfo Inspect(string file)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        using var source = ModelSource.Open(file);
        return ModelInfo.From(source.Header);
    }

    /// <summary>
    /// Looks at the machine and tries to load llama.cpp's libraries. What fails is reported, not thrown; a library that
    /// was found stays loaded.
    /// </summary>
    /// <param name="nativeDirectory">As <see cref="VaiOptions.NativeDirectory"/>.</param>
    /// <returns>What was found, and what to do if something is wrong.</returns>
    public static DiagnosticReport Diagnose(string? nativeDirectory = null) => Doctor.Examine(nativeDirectory);
}
