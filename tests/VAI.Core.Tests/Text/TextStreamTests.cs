using System.Text;
using FsCheck;
using FsCheck.Xunit;
using VAI.Text;

namespace VAI.Core.Tests.Text;

/// <summary>Properties of <see cref="TextStream"/>; FsCheck prints the seed of a failure.</summary>
public sealed class TextStreamTests
{
    [Property(MaxTest = 2000)]
    public bool Pieces_add_up_to_the_whole_and_split_no_character(byte[] bytes, PositiveInt step)
    {
        var stream = new TextStream();
        var text = new StringBuilder();
        foreach (byte[] piece in bytes.Chunk(1 + (step.Get % 5)))
        {
            string part = stream.Append(piece);
            if (part.Length > 0 && (char.IsLowSurrogate(part[0]) || char.IsHighSurrogate(part[^1])))
                return false;
            text.Append(part);
        }

        text.Append(stream.Finish());
        return text.ToString() == Encoding.UTF8.GetString(bytes);
    }

}
