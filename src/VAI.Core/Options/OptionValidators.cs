using Microsoft.Extensions.Options;

namespace VAI.OptionRules;

/// <summary>The rules that stand at the options themselves. What depends on the model or the machine is checked by a load.</summary>
[OptionsValidator]
internal sealed partial class VaiOptionsValidator : IValidateOptions<VaiOptions>;

/// <summary>The same of a model.</summary>
[OptionsValidator]
internal sealed partial class ModelOptionsValidator : IValidateOptions<ModelOptions>;
