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

    /// <summary>The SRAM bank had no room for the transaction in the time that it was to wait.</summary>
    SramFull = 108,

    /// <summary>The transaction's deadline passed before its first token.</summary>
    DeadlineExceeded = 109,

    /// <summary>The file is not a session that this user saved of this model.</summary>
    SessionFileRejected = 110,

    /// <summary>A chat template cannot be read, or does more than one may.</summary>
    InvalidChatTemplate = 111,

    /// <summary>The model's chat template does not take the conversation, and says why.</summary>
    ConversationRejected = 112,

    /// <summary>A constraint cannot be read or held, or nothing satisfies it.</summary>
    InvalidConstraint = 113,

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

    /// <summary>There is no ROM of that name or file in the ROM directory.</summary>
    RomNotBurned = 400,

    /// <summary>Another process is burning the ROM, and the deadline passed.</summary>
    RomBurning = 401,

    /// <summary>The ROM was packed by another llama.cpp build, or for another CPU's kernels.</summary>
    RomMismatch = 402,

    /// <summary>The ROM, or the registry, was written by a newer VAI.</summary>
    RomTooNew = 403,

    /// <summary>The ROM's header, metadata or weights are not what was burned.</summary>
    RomDamaged = 404,

    /// <summary>The ROM's file is shorter than its header says.</summary>
    RomTruncated = 405,

    /// <summary>The ROM directory has no room for the image.</summary>
    RomNoSpace = 406,

    /// <summary>The ROM directory is not private, belongs to somebody else, or is not a directory.</summary>
    RomDirectoryUnsafe = 407,

    /// <summary>Processes are attached to the ROM.</summary>
    RomInUse = 408,

    /// <summary>The registry is damaged.</summary>
    RegistryDamaged = 409,

    /// <summary>The registry has no free entry or lease.</summary>
    RegistryFull = 410,

    /// <summary>Another process holds the registry's writer lock, and the deadline passed.</summary>
    RegistryBusy = 411,

    /// <summary>The registry was written by an older VAI, and cannot be converted now.</summary>
    RegistryTooOld = 412,

    /// <summary>No daemon answers at the socket, or it went away and did not come back in time.</summary>
    DaemonUnavailable = 500,

    /// <summary>The daemon's engine process ended, and the transaction could not be taken up again.</summary>
    EngineLost = 501,

    /// <summary>The model ended the daemon's engine process too often; it is not loaded again until that is asked for.</summary>
    ModelQuarantined = 502,

    /// <summary>The daemon has as many requests as it takes. Try again later.</summary>
    Overloaded = 503,

    /// <summary>The daemon has no session of that id.</summary>
    UnknownSession = 504,

    /// <summary>The daemon does not let this client do that: it has another user, another key, or none.</summary>
    NotAllowed = 505,

    /// <summary>The request ended the daemon's engine process, and one that it had for itself; it is not tried again.</summary>
    RequestQuarantined = 506,
}
