using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace VAI.Native.Gguf;

/// <summary>Numbers and texts as a GGUF has them, for whoever writes one.</summary>
internal static class GgufEncoding
{
    public static void AppendUInt32(this ArrayBufferWriter<byte> to, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to.GetSpan(sizeof(uint)), value);
        to.Advance(sizeof(uint));
    }

    public static void AppendUInt64(this ArrayBufferWriter<byte> to, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to.GetSpan(sizeof(ulong)), value);
        to.Advance(sizeof(ulong));
    }

    public static void AppendText(this ArrayBufferWriter<byte> to, string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        to.AppendUInt64((ulong)length);
        to.Advance(Encoding.UTF8.GetBytes(value, to.GetSpan(length)));
    }
}
