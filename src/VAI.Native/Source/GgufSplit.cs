using VAI.Native.Gguf;
using VAI.Native.Memory;

namespace VAI.Native.Source;

/// <summary>
/// The gate for a model's files as a set: whether they are the parts that their names say, all of one model, all of it. Each has
/// passed the gate for its own structure before.
/// </summary>
internal static class GgufSplit
{
    /// <summary>The most parts of a model; each is a descriptor while it is burned. Published models have up to about a hundred.</summary>
    public const int MaxParts = 512;

    public const string NumberKey = "split.no";
    public const string CountKey = "split.count";
    public const string TensorsKey = "split.tensors.count";

    /// <summary>Keys that are of a part and not of its model.</summary>
    public static bool IsKey(string key) => key is NumberKey or CountKey or TensorsKey;

    /// <summary>Refuses what its name shows to be no first part of a model, before anything of it is read.</summary>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidOption"/>: another part of it.</exception>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public static void CheckName(string path)
    {
        if (SplitName.Of(path) is not { } name)
            return;
        if (name.Number < 1 || name.Number > name.Count)
            throw Wrong(path, $"its name says that it is part {name.Number} of {name.Count}", "Give the file its own name back");
        if (name.Count > MaxParts)
            throw Wrong(path, $"its name says that there are {name.Count} parts, more than {MaxParts}", "Merge them with `llama-gguf-split --merge`");
        if (name.Number > 1)
        {
            throw new VaiUsageException(
                VaiError.InvalidOption, $"{path}: this is part {name.Number} of {name.Count} of a model. Give the first one, {name.PathOf(1)}.");
        }
    }

    /// <summary>How many files the model is in, from its first one.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>: name and metadata do not agree.</exception>
    public static int Count(GgufFile first)
    {
        ulong count = first.GetUInt(CountKey) ?? 0;
        SplitName? name = SplitName.Of(first.Path);
        if (count > ushort.MaxValue)
            throw Wrong(first, CountKey, $"{count} is more than {ushort.MaxValue}");
        if (count <= 1)
        {
            return name is not { IsPart: true } part ? 1 : throw Wrong(
                first.Path,
                $"its name says that it is part 1 of {part.Count}, and its metadata ({CountKey}) that it is whole",
                "Rename it if it is, or download it again");
        }

        if (name is null)
        {
            throw Wrong(
                first.Path,
                $"it is part {first.GetUInt(NumberKey) + 1 ?? 1} of a model in {count} files, and its name does not say so",
                $"Name it NAME-00001-of-{count:D5}.gguf again, beside the other parts");
        }

        if ((ulong)name.Value.Count != count)
            throw Wrong(first, CountKey, $"it is {count} where the file's name says {name.Value.Count}");
        CheckNumber(first, 1);
        return (int)count;
    }

    /// <summary>Checks another part against the first one.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public static void CheckPart(GgufFile part, int number, int count, GgufFile first)
    {
        if (part.GetUInt(CountKey) is not { } its)
            throw Wrong(part.Path, $"it has no '{CountKey}', so that it is no part of {first.Path}", "Download it again");
        if (its != (ulong)count)
            throw Wrong(part, CountKey, $"it is {its} where the first part has {count}");
        CheckNumber(part, number);
        foreach (GgufEntry entry in part.Entries)
        {
            // The number is the part's own, and what the first does not say is nothing to compare.
            if (entry.Key == NumberKey || !first.TryGet(entry.Key, out GgufEntry same))
                continue;
            if ((entry.Type, entry.ElementType, entry.Count) != (same.Type, same.ElementType, same.Count)
                || !part.Payload(entry).SequenceEqual(first.Payload(same)))
            {
                throw Wrong(
                    part.Path, $"its {GgufText.Quote(entry.Key)} is not that of {first.Path}, so that it is a part of another model",
                    "Download the parts of one model again");
            }
        }
    }

    /// <summary>Checks that all tensors are there, and each once.</summary>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public static void CheckTensors(IReadOnlyList<GgufFile> parts)
    {
        var seen = new Dictionary<string, GgufFile>(StringComparer.Ordinal);
        foreach (GgufFile part in parts)
        {
            foreach (GgufTensor tensor in part.Tensors)
            {
                if (!seen.TryAdd(tensor.Name, part))
                    throw Wrong(part.Path, $"it has tensor {GgufText.Quote(tensor.Name)}, which {seen[tensor.Name].Path} has too", "Download the parts again");
            }
        }

        GgufFile first = parts[0];
        if (first.GetUInt(TensorsKey) is not { } wanted)
            throw GgufText.Missing(first.Path, $"metadata key '{TensorsKey}'");
        if (wanted != (ulong)seen.Count)
            throw Wrong(first, TensorsKey, $"it is {wanted}, and the {parts.Count} parts have {seen.Count} tensors");
    }

    /// <summary>Opens a part, and says whose it is if it is not there.</summary>
    /// <exception cref="VaiException">As <see cref="RegularFile.Open"/>.</exception>
    public static RegularFile Open(SplitName name, int number)
    {
        string path = name.PathOf(number);
        try
        {
            return RegularFile.Open(path);
        }
        catch (VaiUsageException e) when (e.Code == VaiError.FileNotFound)
        {
            string what = Directory.Exists(path) ? "is a directory"
                : !Path.Exists(path) ? "is missing"
                : new FileInfo(path).LinkTarget is not null ? "is a link that leads to no file" : "is not a regular file";
            throw new VaiUsageException(
                VaiError.FileNotFound, $"{path}: part {number} of {name.Count} {what}. Put all parts beside the first one, {name.PathOf(1)}.");
        }
    }

    private static void CheckNumber(GgufFile part, int number)
    {
        if (part.GetUInt(NumberKey) is not { } zeroBased)
            throw Wrong(part.Path, $"its name says that it is part {number}, and it has no '{NumberKey}'", "Download it again");
        if (zeroBased != (ulong)(number - 1))
            throw Wrong(part, NumberKey, $"it is {zeroBased}, that of part {(UInt128)zeroBased + 1}, where the file's name says part {number}");
    }

    private static VaiModelException Wrong(GgufFile file, string key, string what)
    {
        file.TryGet(key, out GgufEntry entry);
        return new VaiModelException(
            VaiError.InvalidModel, $"{file.Path}: metadata key '{key}' at byte {entry.Offset}: {what}. Download the parts again, or give them their names back.");
    }

    private static VaiModelException Wrong(string path, string what, string todo) => new(VaiError.InvalidModel, $"{path}: {what}. {todo}.");
}
