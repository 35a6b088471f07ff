using System.Runtime.CompilerServices;

namespace VAI.Native.Registry;

#pragma warning disable IDE0044, IDE0051 // an inline array's one field stands for all of them

[InlineArray(16)]
internal struct Bytes16
{
    private byte _first;
}

[InlineArray(32)]
internal struct Bytes32
{
    private byte _first;
}

[InlineArray(96)]
internal struct Bytes96
{
    private byte _first;
}

[InlineArray(192)]
internal struct Bytes192
{
    private byte _first;
}

[InlineArray(256)]
internal struct Bytes256
{
    private byte _first;
}
