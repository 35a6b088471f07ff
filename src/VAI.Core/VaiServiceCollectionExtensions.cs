using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VAI;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds VAI to a container.</summary>
public static class VaiServiceCollectionExtensions
{
    /// <summary>Adds one <see cref="IVai"/> for the container's lifetime. Several calls configure the same one.</summary>
    /// <param name="services">The container's services.</param>
    /// <param name="configure">Adds models and sets options.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddVai(this IServiceCollection services, Action<VaiOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<VaiOptions>();
        if (configure is not null)
            services.Configure(configure);
        services.TryAddSingleton(s => Vai.Create(s.GetRequiredService<IOptions<VaiOptions>>().Value, s.GetService<ILoggerFactory>()));
        return services;
    }
}
