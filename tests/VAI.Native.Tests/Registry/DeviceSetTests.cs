using VAI.Native.Registry.Leases;

namespace VAI.Native.Tests.Registry;

/// <summary>Names of devices and the bits that stand for them.</summary>
public sealed class DeviceSetTests
{
    [Fact]
    public void Names_come_back_in_the_order_of_the_bits()
    {
        DeviceSet set = DeviceSet.Of(["Vulkan1", "ROCm0", "CUDA2", "CUDA0", "CUDA2"]);
        Assert.Equal(["CUDA0", "CUDA2", "Vulkan1", "ROCm0"], set.Names);
        Assert.Equal("CUDA0, CUDA2, Vulkan1, ROCm0", $"{set}");
        Assert.Equal(set, DeviceSet.Of(set.Names));
        Assert.Equal(set, DeviceSet.Of(["CUDA0", "Vulkan1"]) | DeviceSet.Of(["CUDA2", "ROCm0"]));
    }

    [Fact]
    public void Every_bit_has_a_name_of_its_own_that_gives_it_back()
    {
        var all = new DeviceSet(uint.MaxValue);
        Assert.Equal(32, all.Names.Distinct().Count());
        Assert.Equal(all, DeviceSet.Of(all.Names));
        Assert.All(Enumerable.Range(0, 32).Select(i => new DeviceSet(1u << i)), s => Assert.Equal(s, DeviceSet.Of([Assert.Single(s.Names)])));
    }

    [Theory]
    [InlineData("HIP3", "ROCm3")]
    [InlineData("SYCL2", "Other2")]
    [InlineData("Metal", "Other0")]
    [InlineData("cuda1", "Other1")]
    [InlineData("CUDA", "CUDA0")]
    [InlineData("CUDA8", "CUDA7")]
    [InlineData("Vulkan15", "Vulkan7")]
    [InlineData("Vulkan99999999999999999999", "Vulkan7")]
    [InlineData("", "Other0")]
    public void Other_names_are_the_nearest(string name, string stored) => Assert.Equal([stored], DeviceSet.Of([name]).Names);

    [Fact]
    public void A_CPU_is_none()
    {
        Assert.Empty(DeviceSet.Of(["CPU", "CPU0"]).Names);
        Assert.True(DeviceSet.Of([]).IsEmpty);
        Assert.False(DeviceSet.Of(["Vulkan0"]).IsEmpty);
    }
}
