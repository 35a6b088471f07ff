using VAI.Daemon.Supervision.Engines;

namespace VAI.Daemon.Tests.Supervision;

public sealed class MallocTests
{
    [Theory]
    [InlineData(null, "glibc.malloc.hugetlb=1")]
    [InlineData("", "glibc.malloc.hugetlb=1")]
    [InlineData("glibc.malloc.arena_max=2", "glibc.malloc.arena_max=2:glibc.malloc.hugetlb=1")]
    [InlineData("glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=0")]
    [InlineData("glibc.malloc.arena_max=2:glibc.malloc.hugetlb=2", "glibc.malloc.arena_max=2:glibc.malloc.hugetlb=2")]
    public void Huge_pages_are_asked_for_unless_somebody_said_otherwise(string? given, string told) => Assert.Equal(told, Malloc.WithHugePages(given));
}
