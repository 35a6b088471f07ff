using Microsoft.Extensions.Configuration;

namespace VAI.OptionRules;

/// <summary>Options from configuration, by source-generated code. What is there and cannot be used is an error that says its key.</summary>
internal static class ConfigurationBinding
{
    // Key by key, as a generated binder would want to make the models itself, without their names.
    private static readonly Dictionary<string, Action<VaiOptions, IConfigurationSection>> Keys = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(VaiOptions.Threads)] = static (o, s) => o.Threads = s.Get<int?>(),
        [nameof(VaiOptions.FixedThreads)] = static (o, s) => o.FixedThreads = s.Get<bool>(),
        [nameof(VaiOptions.Share)] = static (o, s) => o.Share = s.Get<int?>() ?? 1,
        [nameof(VaiOptions.Nice)] = static (o, s) => o.Nice = s.Get<int?>() ?? 0,
        [nameof(VaiOptions.BatchScheduling)] = static (o, s) => o.BatchScheduling = s.Get<bool>(),
        [nameof(VaiOptions.NativeDirectory)] = static (o, s) => o.NativeDirectory = s.Value,
        [nameof(VaiOptions.RomDirectory)] = static (o, s) => o.RomDirectory = s.Value,
        [nameof(VaiOptions.RomWait)] = static (o, s) => o.RomWait = s.Get<TimeSpan>(),
        [nameof(VaiOptions.VramLimit)] = static (o, s) => o.VramLimit = s.Get<long?>(),
        [nameof(VaiOptions.ParkLimit)] = static (o, s) => o.ParkLimit = s.Get<long>(),
        [nameof(VaiOptions.DaemonSocket)] = static (o, s) => o.DaemonSocket = s.Value,
        [nameof(VaiOptions.DaemonReconnect)] = static (o, s) => o.DaemonReconnect = s.Get<TimeSpan>(),
        [nameof(VaiOptions.Models)] = static (o, s) =>
        {
            foreach (IConfigurationSection model in s.GetChildren())
                Add(o, model);
        },
    };

    public static void Apply(IConfiguration configuration, VaiOptions options)
    {
        foreach (IConfigurationSection section in configuration.GetChildren())
        {
            if (!Keys.TryGetValue(section.Key, out Action<VaiOptions, IConfigurationSection>? set))
                throw OptionCheck.Invalid($"{section.Path} is no option of VAI. Take it out, or use one of {string.Join(", ", Keys.Keys)}.");
            bool isModels = set == Keys[nameof(VaiOptions.Models)];
            if (isModels ? !string.IsNullOrEmpty(section.Value) : section.GetChildren().Any())
                throw OptionCheck.Invalid($"{section.Path} is {(isModels ? "a value, and is to have a section for each model" : "a section, and is to be one value")}. Mend it, or take it out.");

            // A key without a value, as in "Threads": null or an empty variable of the environment, says nothing.
            if (!isModels && string.IsNullOrEmpty(section.Value))
                continue;
            try
            {
                set(options, section);
            }
            catch (InvalidOperationException e)
            {
                throw Unusable(section, e);
            }
        }
    }

    private static void Add(VaiOptions options, IConfigurationSection section)
    {
        string file = section[nameof(ModelOptions.File)] is { Length: > 0 } given ? given : throw OptionCheck.Invalid(
            $"{section.Path}:{nameof(ModelOptions.File)} is missing. Set it to a GGUF file, or to the name of a ROM.");
        if (section[nameof(ModelOptions.Name)] is { } name && name != section.Key)
        {
            throw OptionCheck.Invalid(
                $"{section.Path}:{nameof(ModelOptions.Name)} is '{name}', but a model is called by its key, '{section.Key}'. Leave Name out.");
        }

        options.AddModel(section.Key, file, model =>
        {
            try
            {
                section.Bind(model, static o => o.ErrorOnUnknownConfiguration = true);

                // A binder passes over one value where a list may be.
                if (section[nameof(ModelOptions.Devices)] is { Length: > 0 } devices)
                    model.Devices = devices.Split(',', StringSplitOptions.TrimEntries);
            }
            catch (InvalidOperationException e)
            {
                throw Unusable(section, e);
            }
        });
    }

    // The message of the binder names the key, too, and what is wrong with it.
    private static VaiUsageException Unusable(IConfigurationSection section, InvalidOperationException e) =>
        new(VaiError.InvalidOption, $"{section.Path} cannot be used. {e.Message} Mend the key, or take it out.", e);
}
