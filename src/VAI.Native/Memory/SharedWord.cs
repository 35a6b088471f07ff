namespace VAI.Native.Memory;

/// <summary>A 64-bit word that processes share. Every load and store of one goes through here, and says its order.</summary>
/// <param name="address">Where it is: a multiple of 8, so that no store tears.</param>
internal readonly unsafe struct SharedWord(void* address)
{
    private readonly ulong* _address = (ulong*)address;

    /// <summary>Nothing that follows is done before this load.</summary>
    public ulong ReadAcquire() => Volatile.Read(ref *_address);

    /// <summary>A load that comes after all loads before it: has the word moved while they were done?</summary>
    public ulong ReadAfterLoads()
    {
        Volatile.ReadBarrier();
        return Volatile.Read(ref *_address);
    }

    /// <summary>Whoever sees this store sees all stores before it.</summary>
    public void WriteRelease(ulong value) => Volatile.Write(ref *_address, value);
}
