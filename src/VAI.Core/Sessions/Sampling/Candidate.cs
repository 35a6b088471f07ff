namespace VAI.Sessions.Sampling;

/// <summary>
/// A token and its logit as one number, whose order is the candidates': a higher logit is more, and of equal ones the lower id.
/// </summary>
internal static class Candidate
{
    public static ulong Of(float logit, int token)
    {
        // Adding makes of the two zeros one.
        uint bits = BitConverter.SingleToUInt32Bits(logit + 0f);
        return ((ulong)Ordered(bits) << 32) | (uint)~token;
    }

    public static int Token(ulong candidate) => ~(int)(uint)candidate;

    public static float Logit(ulong candidate)
    {
        uint bits = (uint)(candidate >> 32);
        return BitConverter.UInt32BitsToSingle((bits & 0x8000_0000) != 0 ? bits & 0x7FFF_FFFF : ~bits);
    }

    private static uint Ordered(uint bits) => (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
}
