using System.Runtime.InteropServices;

namespace VAI.Native.Tests.Gguf;

/// <summary>The table of tensor types against the library that will read the files.</summary>
public unsafe class GgmlTypesTests : IDisposable
{
    private readonly nint _library = NativeLibrary.Load(Path.Combine(AppContext.BaseDirectory, "runtimes",
        $"linux-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}", "native", "vai", "libggml-base.so"));

    [Fact]
    public void Every_type_has_the_name_and_the_block_of_the_loaded_library()
    {
        var name = (delegate* unmanaged<uint, nint>)NativeLibrary.GetExport(_library, "ggml_type_name");
        var block = (delegate* unmanaged<uint, long>)NativeLibrary.GetExport(_library, "ggml_blck_size");
        var size = (delegate* unmanaged<uint, nuint>)NativeLibrary.GetExport(_library, "ggml_type_size");
        for (uint type = 0; type < GgmlTypes.Count; type++)
        {
            bool known = GgmlTypes.TryGetBlock(type, out uint elements, out uint bytes);

            Assert.Equal((block(type), size(type)), ((long)elements, (nuint)bytes));
            Assert.Equal(known, Enum.IsDefined((GgmlType)type));
            if (known)
                Assert.Equal(Marshal.PtrToStringUTF8(name(type)), ((GgmlType)type).ToString(), ignoreCase: true);
        }
    }

    public void Dispose()
    {
        NativeLibrary.Free(_library);
        GC.SuppressFinalize(this);
    }
}
