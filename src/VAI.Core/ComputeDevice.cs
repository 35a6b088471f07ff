using VAI.Native.Abi;

namespace VAI;

/// <summary>What a device is.</summary>
public enum ComputeDeviceKind
{
    /// <summary>The CPU.</summary>
    Cpu = 0,

    /// <summary>A GPU with memory of its own.</summary>
    Gpu = 1,

    /// <summary>A GPU in the machine's memory.</summary>
    IntegratedGpu = 2,

    /// <summary>Helps the CPU; no layers can be put there.</summary>
    Accelerator = 3,
}

/// <summary>A device llama.cpp can compute on. Memory is in bytes.</summary>
/// <param name="Name">llama.cpp's name, for example <c>CPU</c> or <c>CUDA0</c>.</param>
/// <param name="Description">The product's name.</param>
/// <param name="Backend">The library of kernels, for example <c>CUDA</c>.</param>
/// <param name="Kind">What it is.</param>
/// <param name="FreeMemory">Memory free now, as its driver has it. One that does not tell shows all of it.</param>
/// <param name="TotalMemory">Its memory.</param>
/// <param name="ModelMemory">What models of this <see cref="IVai"/> have of it; 0 for the CPU.</param>
public sealed record ComputeDevice(
    string Name, string Description, string Backend, ComputeDeviceKind Kind, long FreeMemory, long TotalMemory, long ModelMemory = 0)
{
    /// <summary>Whether it is the CPU.</summary>
    public bool IsCpu => Kind == ComputeDeviceKind.Cpu;

    internal static ComputeDevice Of(NativeDevice device, long held = 0)
    {
        (long free, long total) = device.Memory();
        return new ComputeDevice(
            device.Name, device.Description, device.Backend, Enum.IsDefined((ComputeDeviceKind)device.Kind) ? (ComputeDeviceKind)device.Kind : ComputeDeviceKind.Accelerator, free, total, held);
    }
}
