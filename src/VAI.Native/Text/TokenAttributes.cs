namespace VAI.Native.Text;

/// <summary>What a token is, with llama.cpp's numbers (llama.h, <c>enum llama_token_attr</c>).</summary>
[Flags]
internal enum TokenAttributes
{
    Unknown = 1,
    Unused = 1 << 1,
    Control = 1 << 3,
    UserDefined = 1 << 4,
    StripsLeft = 1 << 7,
    StripsRight = 1 << 8,
}
