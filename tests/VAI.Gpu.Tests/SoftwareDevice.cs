using System.Runtime.CompilerServices;
using VAI.Native.Interop;

namespace VAI.Gpu.Tests;

/// <summary>
/// Mesa's Vulkan device in the CPU, called <c>Vulkan0</c>: everything of a GPU but its speed. ggml passes over it unless it is named, and ggml reads what the C library
/// has of the environment.
/// </summary>
internal static class SoftwareDevice
{
    public const string Name = "Vulkan0";

    private const string Visible = "GGML_VK_VISIBLE_DEVICES";

    /// <summary>Where these tests' own natives are, for a process that has others beside it.</summary>
    public static Dictionary<string, string> Environment { get; } = new()
    {
        [Visible] = "0",
        ["VAI_LLAMA_DIR"] = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "vai-vulkan"),
    };

    // A test host has no other place before its first test.
#pragma warning disable CA2255
    [ModuleInitializer]
#pragma warning restore CA2255
    public static void Show()
    {
        System.Environment.SetEnvironmentVariable(Visible, "0");
        if (LibcNative.setenv(Visible, "0", 1) != 0)
            throw new InvalidOperationException("The environment is full.");
    }
}
