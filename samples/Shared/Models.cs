using VAI.Forge;

namespace Samples;

/// <summary>Models that are made here, and kept in the user's cache directory.</summary>
internal static class Models
{
    // How Qwen is told of tools, in short; results of calls come between marks.
    private const string WithTools =
        "{% if tools %}<|im_start|>system\nCall tools in <tool_call>:\n{% for t in tools %}{{ t | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
        + "{% for m in messages %}<|im_start|>{{ 'user' if m.role == 'tool' else m.role }}\n{% if m.role == 'tool' %}<tool_response>\n{{ m.content }}\n</tool_response>"
        + "{% else %}{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>\n{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n"
        + "</tool_call>{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    /// <summary>The file of a small one of random weights; the seed tells them apart.</summary>
    public static async Task<string> SmallAsync(ulong seed, CancellationToken cancellation = default)
    {
        // The forge writes under another name and renames at the end, so that what is there is whole.
        string file = Path.Combine(Directory.CreateDirectory(CacheDirectory()).FullName, $"small-{seed}.gguf");
        if (!File.Exists(file))
        {
            Console.Error.WriteLine($"forging {file}");
            await ModelForge.ForgeAsync("small", file, new ForgeOptions { Seed = seed, Overwrite = true }, null, cancellation);
        }

        return file;
    }

    /// <summary>
    /// The file of one that says what is written here, since random weights call no functions and extract nothing. It is made each time: what it says may
    /// be another text.
    /// </summary>
    /// <param name="name">The file's.</param>
    /// <param name="says">Its answer.</param>
    /// <param name="afterResults">Its answer once functions have been called; null where none are.</param>
    public static async Task<string> SayingAsync(string name, string says, string? afterResults = null)
    {
        string file = Path.Combine(Directory.CreateDirectory(CacheDirectory()).FullName, $"{name}.gguf");
        ReciterScript[] scripts = afterResults is null ? [new(says)] : [new(says), new(afterResults, "<tool_response>")];
        await ModelForge.ForgeReciterAsync(file, new ReciterOptions { Scripts = scripts, Template = WithTools, Overwrite = true });
        return file;
    }

    private static string CacheDirectory()
    {
        if (Environment.GetEnvironmentVariable("VAI_CACHE") is { Length: > 0 } own)
            return own;
        string home = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg
            ? xdg
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(home, "vai");
    }
}
