using System.Security.Cryptography;

namespace VAI.Forge.Tests;

public sealed class DeterminismTests : WorkspaceTest
{
    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-gemma3")]
    [InlineData("tiny-bert")]
    [InlineData("small")]
    public async Task Threads_do_not_change_the_bytes(string shape)
    {
        string one = await DigestAsync(shape, new ForgeOptions { Threads = 1 });
        Assert.Equal(one, await DigestAsync(shape, new ForgeOptions { Threads = 2 }));
        Assert.Equal(one, await DigestAsync(shape, new ForgeOptions { Threads = 7 }));
        Assert.Equal(one, await DigestAsync(shape, new ForgeOptions()));
    }

    [Fact]
    public async Task Seeds_and_types_change_the_bytes()
    {
        string[] digests =
        [
            await DigestAsync("tiny", new ForgeOptions { Seed = 1 }),
            await DigestAsync("tiny", new ForgeOptions { Seed = 2 }),
            await DigestAsync("tiny", new ForgeOptions { Seed = ulong.MaxValue }),
            await DigestAsync("tiny", new ForgeOptions { Type = ForgeType.Q4_0 }),
        ];
        Assert.Equal(digests.Length, digests.Distinct().Count());
    }

    [Fact]
    public async Task The_bytes_stay_those_of_earlier_versions()
    {
        // Figures measured on forged files are comparable only while this holds.
        const string expected = "2057118adb198b91fd6f7d66c21e6840a356d977d30d45d5ebdf99cffeb3064c";
        Assert.Equal(expected, await DigestAsync("tiny", new ForgeOptions()));
    }

    private async Task<string> DigestAsync(string shape, ForgeOptions options)
    {
        await using FileStream file = File.OpenRead(await Workspace.ForgeAsync(shape, options));
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file));
    }
}
