using System.Runtime.InteropServices;
using System.Text;
using VAI.Native.Abi;
using VAI.Native.Interop;

namespace VAI.Native.Llama;

/// <summary>llama.cpp's renderer of chat templates. Thread-safe.</summary>
internal static unsafe class LlamaChat
{
    /// <summary>The text of a conversation; null if the template is none that llama.cpp knows.</summary>
    /// <param name="template">The model's template; null for ChatML.</param>
    /// <param name="turns">Roles and contents, without NUL characters.</param>
    /// <param name="addGenerationPrompt">Whether the assistant's next turn is begun.</param>
    public static string? Render(string? template, IReadOnlyList<(string Role, string Content)> turns, bool addGenerationPrompt)
    {
        NativeLoader.EnsureLoaded();
        var messages = new llama_chat_message[turns.Count];
        byte* name = Utf8(template ?? "chatml");
        try
        {
            for (int i = 0; i < messages.Length; i++)
                messages[i] = new llama_chat_message { role = Utf8(turns[i].Role), content = Utf8(turns[i].Content) };
            int length = Apply(name, messages, addGenerationPrompt, default);
            if (length < 0)
                return null;
            byte[] text = new byte[length];
            Apply(name, messages, addGenerationPrompt, text);
            return Encoding.UTF8.GetString(text);
        }
        finally
        {
            foreach (llama_chat_message message in messages)
            {
                Marshal.FreeCoTaskMem((nint)message.role);
                Marshal.FreeCoTaskMem((nint)message.content);
            }

            Marshal.FreeCoTaskMem((nint)name);
        }
    }

    private static int Apply(byte* template, llama_chat_message[] messages, bool addGenerationPrompt, Span<byte> to)
    {
        // It copies as much as there is room for, and returns the whole length.
        fixed (llama_chat_message* first = messages)
        fixed (byte* buffer = to)
        {
            return LlamaNative.llama_chat_apply_template(
                template, first, (nuint)messages.Length, addGenerationPrompt ? (byte)1 : (byte)0, buffer, to.Length);
        }
    }

    private static byte* Utf8(string text) => (byte*)Marshal.StringToCoTaskMemUTF8(text);
}
