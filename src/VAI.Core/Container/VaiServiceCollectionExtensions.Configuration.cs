using Microsoft.Extensions.Configuration;
using VAI;
using VAI.OptionRules;

namespace Microsoft.Extensions.DependencyInjection;

public static partial class VaiServiceCollectionExtensions
{
    /// <summary>As the other overloads, with the options as they are.</summary>
    /// <param name="services">The container's services.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddVai(this IServiceCollection services) => services.AddVai(static (VaiOptions _) => { });

    /// <summary>As the other overloads, with the options read from configuration.</summary>
    /// <remarks>
    /// Keys are the members of <see cref="VaiOptions"/>; under <c>Models</c> a section for each model, whose key is its name, with the
    /// members of <see cref="ModelOptions"/>, of which <c>File</c> must be there:
    /// <code>
    /// "VAI": {
    ///   "Threads": 8,
    ///   "Models": {
    ///     "fast": { "File": "/models/fast.gguf", "ContextLength": 8192 },
    ///     "exact": { "File": "/models/other.gguf", "Profile": "Exact" }
    ///   }
    /// }
    /// </code>
    /// A key that is none of these and a value that cannot be read are a <see cref="VaiUsageException"/> that says the key, a value out of
    /// its range is an <c>OptionsValidationException</c>: with a host at its start, else when the options are first asked for.
    /// </remarks>
    /// <param name="services">The container's services.</param>
    /// <param name="configuration">The section, as <c>configuration.GetSection("VAI")</c>. One that is not there changes nothing.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddVai(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return services.AddVai(options => ConfigurationBinding.Apply(configuration, options));
    }
}
