using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace VAI.OptionRules;

/// <summary>A rule of an option, in the wording of <see cref="OptionCheck"/>: what is wrong, of which model, and what to do.</summary>
internal abstract class OptionAttribute : ValidationAttribute
{
    public override bool RequiresValidationContext => true;

    /// <returns>The message; null where nothing is wrong.</returns>
    protected abstract string? Wrong(object? value, string member, string? model);

    protected sealed override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        Wrong(value, validationContext.MemberName ?? "", (validationContext.ObjectInstance as ModelOptions)?.Name) is { } message
            ? new ValidationResult(message)
            : ValidationResult.Success;

    protected static string Of(string member, string? model) => model is null ? member : $"{member} of '{model}'";
}

/// <summary>A number, or a time in seconds. Null is for the default, which is always right.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class BetweenAttribute(long min, long max) : OptionAttribute
{
    protected override string? Wrong(object? value, string member, string? model) => value switch
    {
        null => null,
        TimeSpan time => OptionCheck.Outside(time.TotalSeconds, min, max, Of(member, model) + " in seconds"),
        _ => OptionCheck.Outside(Convert.ToInt64(value, CultureInfo.InvariantCulture), min, max, Of(member, model)),
    };
}

/// <summary>A member of an enumeration.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DefinedAttribute : OptionAttribute
{
    protected override string? Wrong(object? value, string member, string? model) =>
        Enum.IsDefined(value!.GetType(), value) ? null : $"{Of(member, model)} is {value}, which is none of the enumeration's.";
}

/// <summary>A model's name.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ModelNameAttribute : OptionAttribute
{
    protected override string? Wrong(object? value, string member, string? model) =>
        OptionCheck.Outside((value as string)?.Length ?? 0, 1, 128, "The length of a model's name");
}

/// <summary>A model's file, or the name of its ROM.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ModelFileAttribute : OptionAttribute
{
    protected override string? Wrong(object? value, string member, string? model) =>
        string.IsNullOrEmpty(value as string) ? $"'{model}' has no file. Set File to a GGUF file, or to the name of a ROM."
        : ((string)value).Contains('\0') ? $"{Of(member, model)} has a NUL character in it. Set it to a GGUF file, or to the name of a ROM."
        : null;
}

/// <summary>A path; null where there is none.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PathAttribute : OptionAttribute
{
    protected override string? Wrong(object? value, string member, string? model) =>
        (value as string)?.Contains('\0') == true ? $"{Of(member, model)} has a NUL character in it. Give a path." : null;
}

/// <summary>The path of a socket; null where there is none.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SocketPathAttribute : OptionAttribute
{
    protected override string? Wrong(object? value, string member, string? model) =>
        value is string path && (path.Length == 0 || path.Contains('\0')) ? $"{Of(member, model)} is empty, or has a NUL character in it. Give the path of a socket." : null;
}
