using System.Buffers.Binary;

namespace VAI.Daemon.Supervision.Link;

/// <summary>What a frame is. Numbers are never given away anew.</summary>
internal enum LinkKind : ushort
{
    /// <summary>The first frame of either side: <see cref="LinkHello"/>.</summary>
    Hello = 1,

    /// <summary>Asks for one answer: <see cref="CallHead"/>, then a document. Answered by <see cref="Answer"/> or <see cref="Error"/>.</summary>
    Call = 2,

    /// <summary>A document, or nothing.</summary>
    Answer = 3,

    /// <summary>A <see cref="VAI.Remote.Wire.WireError"/>: the end of a call or a transaction, which has not happened then.</summary>
    Error = 4,

    /// <summary>Something on the way to an answer: a <see cref="VAI.Remote.Wire.WireLoadEvent"/>.</summary>
    Event = 5,

    /// <summary>Begins a transaction: <see cref="CallHead"/> with how many updates may come, then a <see cref="VAI.Remote.Wire.WireInfer"/>.</summary>
    Infer = 6,

    /// <summary>The tokens of a prompt that was text, as int32.</summary>
    Prompt = 7,

    /// <summary>A token: <see cref="UpdateFrame"/>.</summary>
    Update = 8,

    /// <summary>The last update: <see cref="UpdateFrame"/> with the result as a document behind it.</summary>
    Result = 9,

    /// <summary>A transaction was cancelled: what its session's log holds behind what it held before, as int32 ids.</summary>
    Stopped = 10,

    /// <summary>So many more updates may come, as uint32.</summary>
    Credit = 11,

    /// <summary>Gives up a call or a transaction. A call's answer may come all the same.</summary>
    Cancel = 12,

    /// <summary>Answered by <see cref="Pong"/> with the same id.</summary>
    Ping = 13,

    /// <summary>As it is told.</summary>
    Pong = 14,
}

/// <summary>What a call asks for. Numbers are never given away anew.</summary>
internal enum LinkMethod : ushort
{
    None = 0,
    Load = 1,
    Unload = 2,
    Prepare = 3,
    Plan = 5,
    Tokenize = 6,
    Detokenize = 7,
    Embed = 9,
    Status = 10,
    Metrics = 11,
    Restore = 12,
    Close = 13,
    Fork = 14,
    Commit = 15,
    Rollback = 16,
    Park = 17,
    Rebuild = 18,
    Save = 19,
    LoadReady = 20,
    Longest = 21,

    /// <summary>Which of some calls and transactions, by id, the engine knows nothing of.</summary>
    Unknown = 22,
    Devices = 23,
}

/// <summary>
/// What every frame begins with, little-endian:
/// <code>
///   0        4      6      8                16
///   +--------+------+------+----------------+---- - -
///   | length | kind | 0    | id             | length bytes
///   +--------+------+------+----------------+---- - -
/// </code>
/// Ids of calls and transactions are the supervisor's; an answer has its question's.
/// </summary>
internal readonly record struct LinkHeader(int Length, LinkKind Kind, ulong Id)
{
    public const int Bytes = 16;

    /// <summary>Most bytes of a document: a request's largest body, or the embeddings of a whole request, with room.</summary>
    public const int MostDocument = 256 << 20;

    private const int MostUpdate = 1 << 20;

    /// <summary>Reads one, and judges it before anything of its frame is looked at.</summary>
    /// <exception cref="LinkEndedException">It is none.</exception>
    public static LinkHeader Read(ReadOnlySpan<byte> from)
    {
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(from);
        var kind = (LinkKind)BinaryPrimitives.ReadUInt16LittleEndian(from[4..]);
        if (kind is < LinkKind.Hello or > LinkKind.Pong || from[6] != 0 || from[7] != 0)
            throw new LinkEndedException($"a frame of unknown kind {(ushort)kind} came");
        if (length > MostOf(kind))
            throw new LinkEndedException($"a frame {kind} of {length} bytes came, and it has at most {MostOf(kind)}");
        return new LinkHeader((int)length, kind, BinaryPrimitives.ReadUInt64LittleEndian(from[8..]));
    }

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to, (uint)Length);
        BinaryPrimitives.WriteUInt16LittleEndian(to[4..], (ushort)Kind);
        to[6] = to[7] = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], Id);
    }

    private static int MostOf(LinkKind kind) => kind switch
    {
        LinkKind.Hello => LinkHello.MostBytes,
        LinkKind.Update => MostUpdate,
        LinkKind.Credit => sizeof(uint),
        LinkKind.Cancel or LinkKind.Ping or LinkKind.Pong => 0,
        _ => MostDocument,
    };
}

/// <summary>
/// What a call or a transaction begins with, little-endian:
/// <code>
///   0        2      4        8                16
///   +--------+------+--------+----------------+---- - -
///   | method | 0    | credit | session        | document
///   +--------+------+--------+----------------+---- - -
/// </code>
/// Sessions are numbered by the supervisor, from 1, for each link anew; they end with it. 0 is none.
/// </summary>
internal readonly record struct CallHead(LinkMethod Method, uint Credit, ulong Session)
{
    public const int Bytes = 16;

    /// <exception cref="LinkEndedException">It is none.</exception>
    public static CallHead Read(ReadOnlySpan<byte> from)
    {
        if (from.Length < Bytes)
            throw new LinkEndedException($"a call of {from.Length} bytes came, which is shorter than its head");
        return new CallHead(
            (LinkMethod)BinaryPrimitives.ReadUInt16LittleEndian(from), BinaryPrimitives.ReadUInt32LittleEndian(from[4..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[8..]));
    }

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)Method);
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], Credit);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], Session);
    }
}
