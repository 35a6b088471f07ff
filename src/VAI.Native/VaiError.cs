namespace VAI;

/// <summary>What went wrong, as a value programs can branch on. Values are stable: new ones are only added.</summary>
public enum VaiError
{
    /// <summary>An option or argument is out of its range.</summary>
    InvalidOption = 100,

    /// <summary>No model of that name is configured.</summary>
    UnknownModel = 101,

    /// <summary>The model is configured but its weights are not loaded.</summary>
    ModelNotLoaded = 102,

    /// <summary>A model of that name is already loaded from other weights or with other options.</summary>
    ModelAlreadyLoaded = 103,

    /// <summary>The model has open sessions and cannot be unloaded.</summary>
    ModelInUse = 104,

    /// <summary>The prompt, with what the session already holds, is longer than the context.</summary>
    ContextFull = 105,

    /// <summary>The session already runs a transaction.</summary>
    SessionBusy = 106,

    /// <summary>The model cannot do what was asked (generate text, or make embeddings).</summary>
    NotSupported = 107,

    /// <summary>The SRAM bank has no room for another session or for more tokens of this one.</summary>
    SramFull = 108,

    /// <summary>The file does not exist or is not a regular file.</summary>
    FileNotFound = 200,

    /// <summary>The file exists but could not be opened or mapped.</summary>
    FileNotReadable = 201,

    /// <summary>The file is not GGUF, or its structure is damaged.</summary>
    MalformedModel = 202,

    /// <summary>The file is well-formed GGUF, but its metadata contradicts itself or leaves the supported range.</summary>
    InvalidModel = 203,

    /// <summary>The model has no tokenizer.</summary>
    NoTokenizer = 204,

    /// <summary>llama.cpp refused the model (an unknown architecture, a missing tensor).</summary>
    ModelRejected = 205,

    /// <summary>The file could not be created or written (no permission, no space).</summary>
    FileNotWritable = 206,

    /// <summary>llama.cpp's libraries were not found.</summary>
    NativeLibraryNotFound = 300,

    /// <summary>The loaded libllama has a layout that VAI does not know.</summary>
    UnknownAbi = 301,

    /// <summary>llama.cpp failed where its documentation says it should not.</summary>
    NativeFailure = 302,

    /// <summary>There is not enough memory.</summary>
    OutOfMemory = 303,
}
