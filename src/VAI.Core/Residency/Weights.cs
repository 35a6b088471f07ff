using VAI.Native.Llama;
using VAI.Native.Rom;

namespace VAI.Residency;

/// <summary>A model's weights and vocabulary in llama.cpp, and the lease on the ROM they lie in.</summary>
/// <param name="Model">llama.cpp's model.</param>
/// <param name="Info">What its file says.</param>
/// <param name="SwitchClass">What getting them cost.</param>
/// <param name="Hold">The ROM; null without one.</param>
internal sealed record Weights(LlamaModel Model, ModelInfo Info, SwitchClass SwitchClass, RomHold? Hold = null) : IDisposable
{
    public void Dispose()
    {
        Model.Dispose();
        Hold?.Dispose();
    }
}
