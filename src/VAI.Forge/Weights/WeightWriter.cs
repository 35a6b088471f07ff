using System.Runtime.ExceptionServices;
using Microsoft.Win32.SafeHandles;
using VAI.Forge.Gguf;
using VAI.Native.Gguf;

namespace VAI.Forge.Weights;

/// <summary>A tensor and where its bytes go.</summary>
/// <param name="Spec">The tensor.</param>
/// <param name="File">Which of the files it is in, from 0 on.</param>
/// <param name="FileOffset">Where in it.</param>
internal readonly record struct PlacedTensor(TensorSpec Spec, int File, long FileOffset);

/// <summary>Fills tensors chunk by chunk on several threads; memory stays at one chunk per thread.</summary>
internal sealed class WeightWriter
{
    // Part of what a seed means: another size gives other weights.
    private const int ChunkBytes = 2 << 20;

    // Rows of control and unused tokens are this much smaller, so that random weights seldom choose them.
    private const float Quietness = 1f / 16;

    private readonly IReadOnlyList<SafeFileHandle> _files;
    private readonly ulong _seed;
    private readonly IReadOnlyList<int> _quietTokens;
    private readonly Action<long> _written;

    /// <param name="files">Where to write; not closed here.</param>
    /// <param name="seed">The seed of all weights.</param>
    /// <param name="quietTokens">Tokens that generation should not run into.</param>
    /// <param name="written">Told the bytes of each chunk, from any thread.</param>
    public WeightWriter(IReadOnlyList<SafeFileHandle> files, ulong seed, IReadOnlyList<int> quietTokens, Action<long> written)
    {
        _files = files;
        _seed = seed;
        _quietTokens = quietTokens;
        _written = written;
    }

    public void Write(IReadOnlyList<PlacedTensor> tensors, int threads, CancellationToken cancellationToken)
    {
        var chunks = new List<Chunk>();
        foreach (PlacedTensor tensor in tensors)
        {
            long step = StepOf(tensor.Spec.Type);
            for (long start = 0; start < tensor.Spec.Bytes; start += step)
                chunks.Add(new Chunk(tensor, start, (int)Math.Min(step, tensor.Spec.Bytes - start)));
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken };
        try
        {
            Parallel.ForEach(chunks, options, () => new byte[ChunkBytes], WriteChunk, static _ => { });
        }
        catch (AggregateException several)
        {
            // The first failure explains the others.
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }

        foreach (PlacedTensor tensor in tensors.Where(tensor => tensor.Spec.PerToken))
            WriteQuietRows(tensor);
    }

    private static int StepOf(GgmlType type) => ChunkBytes / type.BlockBytes() * type.BlockBytes();

    private byte[] WriteChunk(Chunk chunk, ParallelLoopState state, byte[] buffer)
    {
        TensorSpec spec = chunk.Tensor.Spec;
        Span<byte> bytes = buffer.AsSpan(0, chunk.Length);
        ulong key = RandomBits.Part(RandomBits.Key(_seed, spec.Name), chunk.Start / StepOf(spec.Type));
        BlockFill.Fill(bytes, spec.Type, spec.Mean, spec.Deviation, key);
        RandomAccess.Write(_files[chunk.Tensor.File], bytes, chunk.Tensor.FileOffset + chunk.Start);
        _written(chunk.Length);
        return buffer;
    }

    private void WriteQuietRows(PlacedTensor tensor)
    {
        TensorSpec spec = tensor.Spec;
        byte[] row = new byte[spec.RowBytes];
        foreach (int token in _quietTokens)
        {
            ulong key = RandomBits.Part(RandomBits.Key(_seed, spec.Name + "/quiet"), token);
            BlockFill.Fill(row, spec.Type, spec.Mean, spec.Deviation * Quietness, key);
            RandomAccess.Write(_files[tensor.File], row, tensor.FileOffset + (token * spec.RowBytes));
        }
    }

    private readonly record struct Chunk(PlacedTensor Tensor, long Start, int Length);
}
