using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VAI.Native.Interop;

namespace VAI.Native.Abi;

/// <summary>
/// Finds out which layout a loaded libllama has: lets its own <c>*_default_params()</c> fill buffers that hold a known
/// pattern, sees which bytes it wrote, and looks for the documented defaults where each table expects them. A wrong layout
/// would not fail, it would load the wrong thing; so exactly one table must match.
/// </summary>
internal static unsafe class AbiFingerprint
{
    private const byte PatternA = 0xCC;
    private const byte PatternB = 0x33;

    /// <summary>The bytes a library wrote, and where its writing ended.</summary>
    internal readonly record struct Sample(byte[] Bytes, bool[] Written)
    {
        public int End => Array.LastIndexOf(Written, true) + 1;

        public int Int(int offset) => BinaryPrimitives.ReadInt32LittleEndian(Bytes.AsSpan(offset));

        public float Float(int offset) => BinaryPrimitives.ReadSingleLittleEndian(Bytes.AsSpan(offset));

        public bool Flag(int offset, bool expected) => Bytes[offset] == (expected ? 1 : 0) && Written[offset];
    }

    /// <summary>Matches the library behind the two exports against every table.</summary>
    /// <exception cref="VaiEngineException"><see cref="VaiError.UnknownAbi"/>: no table, or more than one, matches.</exception>
    internal static AbiTable Identify(nint modelDefaults, nint contextDefaults, string version)
    {
        Sample model = Take(modelDefaults);
        Sample context = Take(contextDefaults);
        return new AbiTable(
            Single(AbiTables.Model.Where(t => Matches(t, model)).ToArray(), "llama_model_params", model, version,
                AbiTables.Model.Select(t => $"{t.Name} ({t.Size} bytes)")),
            Single(AbiTables.Context.Where(t => Matches(t, context)).ToArray(), "llama_context_params", context, version,
                AbiTables.Context.Select(t => $"{t.Name} ({t.Size} bytes)")));
    }

    internal static bool Matches(ModelParamsTable t, Sample s) =>
        EndFits(s, t.WrittenEnd, t.Size)
        && s.Int(t.GpuLayers) == -1
        && s.Int(t.SplitMode) == 1
        && (t.LoadMode < 0 || s.Int(t.LoadMode) == t.DefaultLoadMode)
        && s.Int(t.MainGpu) == 0
        && s.Int(t.TensorSplit) == 0
        && s.Int(t.ProgressCallback) == 0
        && (t.UseMmap < 0 || s.Flag(t.UseMmap, true))
        && s.Flag(t.UseExtraBufferTypes, true);

    internal static bool Matches(ContextParamsTable t, Sample s) =>
        EndFits(s, t.WrittenEnd, t.Size)
        && s.Int(t.ContextLength) == 512
        && s.Int(t.BatchSize) == 2048
        && s.Int(t.MicroBatchSize) == 512
        && s.Int(t.MaxSequences) == 1
        && s.Int(t.Threads) == 4
        && s.Int(t.ThreadsBatch) == 4
        && s.Int(t.RopeScaling) == -1
        && s.Int(t.Pooling) == -1
        && s.Int(t.Attention) == -1
        && s.Int(t.FlashAttention) == -1
        && Enumerable.Range(0, 4).All(i => s.Float(t.YarnExtFactor + (4 * i)) == -1f)
        && s.Int(t.TypeK) == 1
        && s.Int(t.TypeV) == 1
        && s.Int(t.AbortCallback) == 0
        && s.Flag(t.Embeddings, false)
        && s.Flag(t.OffloadKqv, true)
        && s.Flag(t.OpOffload, true)
        && s.Flag(t.SwaFull, true);

    internal static Sample Take(nint function)
    {
        byte[] a = Fill(function, PatternA);
        byte[] b = Fill(function, PatternB);
        bool[] written = new bool[a.Length];
        for (int i = 0; i < a.Length; i++)
            written[i] = a[i] == b[i];
        return new Sample(a, written);
    }

    // Without patterns (see Fill) every byte counts as written, and only the defaults decide.
    private static bool EndFits(Sample s, int writtenEnd, int size) =>
        RuntimeInformation.ProcessArchitecture != Architecture.X64 || (s.End >= writtenEnd && s.End <= size);

    private static byte[] Fill(nint function, byte pattern)
    {
        byte[] bytes = new byte[ParamsBlob.SizeInBytes];
        bytes.AsSpan().Fill(pattern);
        fixed (byte* target = bytes)
        {
            // System V x86-64 returns a large struct through a pointer passed like a first argument, so that calling it
            // as such lets us hand in the patterned buffer. AArch64 uses x8 for it: only a by-value call is right there.
            if (RuntimeInformation.ProcessArchitecture == Architecture.X64)
                ((delegate* unmanaged[Cdecl]<byte*, byte*>)function)(target);
            else
                *(ParamsBlob*)target = ((delegate* unmanaged[Cdecl]<ParamsBlob>)function)();
        }

        return bytes;
    }

    private static T Single<T>(T[] matches, string structName, Sample sample, string version, IEnumerable<string> known) =>
        matches.Length == 1
            ? matches[0]
            : throw new VaiEngineException(
                VaiError.UnknownAbi,
                $"The loaded libllama ({version}) has a {structName} of {sample.End} bytes that matches {matches.Length} of the "
                + $"layouts VAI knows ({string.Join(", ", known)}). Use a llama.cpp build VAI knows, or add its layout to AbiTables.");
}
