using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VAI;
using VAI.OptionRules;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds VAI to a container.</summary>
public static partial class VaiServiceCollectionExtensions
{
    /// <summary>
    /// Adds one <see cref="IVai"/> for the container's lifetime, and over it, unless there are others,
    /// <see cref="IChatClient"/> and <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>: keyed by the name of any model, and without a
    /// key for the only one that is loaded. Several calls configure the same engine.
    /// </summary>
    /// <param name="services">The container's services.</param>
    /// <param name="configure">Adds models and sets options.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddVai(this IServiceCollection services, Action<VaiOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddOptions<VaiOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<VaiOptions>, VaiOptionsValidator>());
        services.Configure(configure);
        services.TryAddSingleton(s => Vai.Create(s.GetRequiredService<IOptions<VaiOptions>>().Value, s.GetService<ILoggerFactory>()));
        services.TryAddSingleton(s => s.GetRequiredService<IVai>().AsIChatClient());
        services.TryAddSingleton(s => s.GetRequiredService<IVai>().AsIEmbeddingGenerator());
        services.TryAddKeyedSingleton(KeyedService.AnyKey, (s, key) => s.GetRequiredService<IVai>().AsIChatClient(NameOf(key)));
        services.TryAddKeyedSingleton(KeyedService.AnyKey, (s, key) => s.GetRequiredService<IVai>().AsIEmbeddingGenerator(NameOf(key)));
        return services;

        static string NameOf(object? key) => key as string ?? throw new VaiUsageException(
            VaiError.InvalidOption, $"A client was asked for by the key '{key}'. The keys are the names of models.");
    }
}
