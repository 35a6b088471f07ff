using System.Buffers.Binary;

namespace VAI.Native.Gguf.Gates;

/// <summary>
/// Checks what llama.cpp's tokenizers take for granted of a vocabulary: where it is not so, loading it or some text ends the process
/// or never ends.
/// </summary>
internal readonly struct GgufTokenizerKindGate
{
    // These look tokens up letter by letter, with a stack or in time that grows with the longest. Published ones have up to 200 bytes.
    private const int MaxTokenBytes = 1024;
    private const string Prefix = "tokenizer.ggml.";
    private const int ByteType = 6;

    private readonly GgufFile _file;
    private readonly GgufEntry _tokens;

    /// <param name="file">The file.</param>
    /// <param name="tokens">Its tokens.</param>
    public GgufTokenizerKindGate(GgufFile file, GgufEntry tokens)
    {
        _file = file;
        _tokens = tokens;
    }

    /// <param name="model">The value of <c>tokenizer.ggml.model</c>.</param>
    /// <exception cref="VaiModelException"><see cref="VaiError.InvalidModel"/>.</exception>
    public void Check(string model)
    {
        if (model is "bert" or "t5" or "rwkv" or "plamo2")
            CheckLengths();
        switch (model)
        {
            case "bert":
                CheckNoBytes();
                // llama.cpp's own, where the file names none.
                CheckId("bos", 101);
                CheckId("seperator", 102);
                CheckId("unknown", 100);
                break;
            case "t5":
                CheckId("unknown", 2);
                CheckCharsMap();
                break;
            case "rwkv":
                CheckBytes();
                break;
        }
    }

    private void CheckLengths()
    {
        int index = 0;
        foreach (ReadOnlySpan<byte> text in _file.GetStrings(_tokens))
        {
            if (text.Length > MaxTokenBytes)
                throw _file.Invalid(_tokens, $"token {index} has {text.Length} bytes, more than {MaxTokenBytes}");
            index++;
        }
    }

    private void CheckId(string role, int otherwise)
    {
        string key = $"{Prefix}{role}_token_id";
        if (_file.GetIntegers(key, 1) is [long id] && !GgufTokenizerGate.IsNone(id))
            return;
        if (otherwise >= _tokens.Count)
            throw GgufText.Missing(_file.Path, $"metadata key '{key}'");
    }

    private void CheckNoBytes()
    {
        if (_file.GetArray(Prefix + "token_type", GgufValueType.Int32) is not { } types)
            return;
        ReadOnlySpan<byte> values = _file.Payload(types);
        for (int i = 0; i < types.Count; i++)
        {
            if (BinaryPrimitives.ReadInt32LittleEndian(values[(i * 4)..]) == ByteType)
                throw _file.Invalid(types, $"token {i} is a byte, which WordPiece does not have");
        }
    }

    private void CheckCharsMap()
    {
        if (!_file.TryGet(Prefix + "precompiled_charsmap", out GgufEntry map))
            return;
        if (!map.IsArray || map.ElementType is not (GgufValueType.UInt8 or GgufValueType.Int8))
            throw _file.Invalid(map, "it is not an array of UInt8");
        if (GgufCharsMap.FindFault(_file.Payload(map)) is { } fault)
            throw _file.Invalid(map, fault);
    }

    // Where a token begins that no token matches, not even a byte of it, llama.cpp begins with the text again and again. A byte
    // that nothing begins with is the unknown token, if there is one.
    private void CheckBytes()
    {
        Span<bool> begins = stackalloc bool[256];
        Span<bool> alone = stackalloc bool[256];
        foreach (ReadOnlySpan<byte> text in _file.GetStrings(_tokens))
        {
            // llama.cpp calls an empty token "[EMPTY_N]".
            int length = RwkvEscapes.Length(text.IsEmpty ? "[EMPTY_"u8 : text, out byte first);
            if (length == 0)
                continue;
            begins[first] = true;
            alone[first] |= length == 1;
        }

        bool unknown = _file.GetIntegers(Prefix + "unknown_token_id", 1) is [long id] && !GgufTokenizerGate.IsNone(id);
        for (int value = 0; value < 256; value++)
        {
            if (!alone[value] && (begins[value] || !unknown))
                throw _file.Invalid(_tokens, $"byte 0x{value:X2} is not a token, which RWKV's tokenizer cannot do without");
        }
    }
}
