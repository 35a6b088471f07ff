using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VAI;
using VAI.Engine;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds VAI to a container.</summary>
public static partial class VaiServiceCollectionExtensions
{
    /// <summary>Adds one <see cref="IVai"/> for the container's lifetime. Several calls configure the same one.</summary>
    /// <param name="services">The container's services.</param>
    /// <param name="configure">Adds models and sets options.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddVai(this IServiceCollection services, Action<VaiOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<VaiOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<VaiOptions>, VaiOptionsValidator>());
        services.Configure(configure);
        services.TryAddSingleton(s => Vai.Create(s.GetRequiredService<IOptions<VaiOptions>>().Value, s.GetService<ILoggerFactory>()));
        return services;
    }
}
