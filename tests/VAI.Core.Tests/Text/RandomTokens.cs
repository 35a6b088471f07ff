using System.Numerics;
using VAI.Native.Llama;
using VAI.Text;
using VAI.Text.Constraints.Matching;

namespace VAI.Core.Tests.Text;

/// <summary>Random tokens out of what masks allow.</summary>
internal static class RandomTokens
{
    /// <summary>Tokens up to an end; null where none came.</summary>
    public static List<int>? Draw(MaskedMatcher matcher, LlamaVocab vocab, Random random, int most)
    {
        var reader = new ConstraintReader(matcher.Matcher);
        var pieces = new TokenPieces(vocab, special: false);
        var tokens = new List<int>();
        while (tokens.Count < most)
        {
            int token = Choose(matcher.Mask(reader.State), random, vocab);
            if (vocab.IsEndOfGeneration(token))
                return tokens;
            byte[] bytes = pieces.Of(token).ToArray();
            Assert.True(bytes.Length == 0 ? reader.TakeToken(token) : reader.Take(bytes));
            tokens.Add(token);
        }

        return null;
    }

    /// <summary>One of those that a mask allows. Ends and what ends something come more often than others: random texts are else endless.</summary>
    public static int Choose(ulong[] mask, Random random, LlamaVocab vocab)
    {
        var allowed = new List<int>();
        for (int word = 0; word < mask.Length; word++)
        {
            for (ulong left = mask[word]; left != 0; left &= left - 1)
                allowed.Add((word << 6) + BitOperations.TrailingZeroCount(left));
        }

        Assert.NotEmpty(allowed);
        int[] ends = [.. allowed.Where(t => vocab.IsEndOfGeneration(t))];
        if (ends.Length > 0 && random.Next(3) == 0)
            return ends[0];
        if (random.Next(3) == 0)
        {
            var pieces = new TokenPieces(vocab, special: false);
            int[] closing = [.. allowed.Where(t => pieces.Of(t) is [(byte)'"' or (byte)'}' or (byte)']' or (byte)'<'])];
            if (closing.Length > 0)
                return closing[random.Next(closing.Length)];
        }

        return allowed[random.Next(allowed.Count)];
    }
}
