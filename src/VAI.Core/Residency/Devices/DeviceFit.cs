using VAI.Native.Abi;
using VAI.Native.Llama;

namespace VAI.Residency.Devices;

/// <summary>As many layers on GPUs as fit there, by plans alone.</summary>
internal static class DeviceFit
{
    // What a driver keeps for itself, and others may want meanwhile.
    private const long Spare = 512L << 20;
    private const int SpareShare = 16;

    /// <param name="settings">All layers.</param>
    /// <param name="layers">Layers of the model, without the output.</param>
    /// <param name="ledger">What there is room for.</param>
    /// <param name="plan">Says what a choice takes.</param>
    /// <returns>The choice with the most layers that fits; the CPU alone where none does.</returns>
    public static LlamaModelSettings Of(LlamaModelSettings settings, int layers, DeviceLedger ledger, Func<LlamaModelSettings, ModelMemory> plan)
    {
        Dictionary<string, long> rooms = settings.Devices.ToDictionary(d => d.Name, d => Room(d, ledger));
        if (rooms.Values.All(r => r == 0))
            return settings.OnCpu();

        // Layers are as many as there is room for them, and not as llama.cpp has it, which knows of no limit.
        settings = settings with
        {
            GpuLayers = layers + 1,
            TensorSplit = settings.TensorSplit ?? (settings.Devices.Count > 1 ? [.. settings.Devices.Select(d => (float)(rooms[d.Name] >> 20))] : null),
        };
        if (Fits(settings))
            return settings;
        int least = 0, most = layers + 1;
        while (most - least > 1)
        {
            int middle = (least + most) / 2;
            if (Fits(settings with { GpuLayers = middle }))
                least = middle;
            else
                most = middle;
        }

        return least == 0 ? settings.OnCpu() : settings with { GpuLayers = least };

        bool Fits(LlamaModelSettings tried)
        {
            try
            {
                return plan(tried).Devices.All(d => d.OnHost || d.Bytes <= rooms.GetValueOrDefault(d.Device));
            }
            catch (VaiEngineException e) when (e.Code == VaiError.OutOfMemory)
            {
                return false;
            }
        }
    }

    private static long Room(NativeDevice device, DeviceLedger ledger) => ledger.Room(device, Math.Min(Spare, device.Memory().Total / SpareShare));
}
