using VAI.Native.Memory;
using VAI.Residency;

namespace VAI.Core.Tests.Life;

/// <summary>What looks free and is not.</summary>
public sealed class MemoryClaimsTests
{
    private long _taken = MemoryRoom.ProcessBytes;

    [Fact]
    public void What_models_have_not_touched_is_not_free_until_they_are_gone()
    {
        var claims = new MemoryClaims(() => _taken);
        Assert.Equal(0, Claimed(claims));
        IDisposable a = claims.Resident(1000), b = claims.Resident(500);
        Assert.Equal(1500, Claimed(claims));
        _taken += 600;
        Assert.Equal(900, Claimed(claims));
        b.Dispose();
        b.Dispose();
        Assert.Equal(400, Claimed(claims));

        // More than all of it: something else has grown.
        _taken += 5000;
        Assert.Equal(0, Claimed(claims));
        _taken = 0;
        Assert.Equal(1000, Claimed(claims));
        a.Dispose();
        Assert.Equal(0, Claimed(claims));
    }

    [Fact]
    public void Loads_side_by_side_count_too_and_what_was_refused_does_not()
    {
        var claims = new MemoryClaims(() => _taken);
        using IDisposable resident = claims.Resident(1000);
        using (claims.Claim(_ => 300))
        {
            Assert.Equal(1300, Claimed(claims));
            Assert.Throws<InvalidOperationException>(() => claims.Claim(_ => throw new InvalidOperationException()));
            Assert.Equal(1300, Claimed(claims));
        }

        Assert.Equal(1000, Claimed(claims));
    }

    private static long Claimed(MemoryClaims claims)
    {
        long claimed = -1;
        claims.Claim(bytes => (claimed = bytes, 0L).Item2).Dispose();
        return claimed;
    }
}
