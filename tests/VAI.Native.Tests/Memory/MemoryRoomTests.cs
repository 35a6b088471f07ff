using VAI.Native.Memory;

namespace VAI.Native.Tests.Memory;

/// <summary>Limits of control groups, read from files as kernels and container runtimes lay them out.</summary>
public sealed class MemoryRoomTests : IDisposable
{
    private const long MiB = 1 << 20;
    private readonly string _root = Directory.CreateTempSubdirectory("vai-cgroup-").FullName;

    public MemoryRoomTests() => Write("/proc/meminfo", "MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: 4194304 kB\nSwapFree: 0 kB\n");

    [Fact]
    public void Without_groups_the_machine_counts()
    {
        MemoryRoom room = MemoryRoom.Read(_root);
        Assert.Equal((8192 * MiB, 4096 * MiB, 4096 * MiB, null), (room.Total, room.Available, room.Most, room.Limit));
    }

    [Fact]
    public void Of_version_2_the_own_group_and_all_above_it_count()
    {
        Process("0::/system.slice/vai.service/worker", "/ /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        V2("", null, 7000);
        V2("/system.slice", 1000, 900);
        V2("/system.slice/vai.service", 512, 100);
        V2("/system.slice/vai.service/worker", null, 100);
        AssertLimit("/sys/fs/cgroup/system.slice", 1000, 100);
        V2("/system.slice", null, 900);
        AssertLimit("/sys/fs/cgroup/system.slice/vai.service", 512, 412);
        V2("/system.slice/vai.service/worker", 110, 100);
        AssertLimit("/sys/fs/cgroup/system.slice/vai.service/worker", 110, 10);
    }

    [Fact]
    public void Pages_of_files_are_given_back_and_those_of_shared_memory_are_not()
    {
        Process("0::/a", "/ /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        V2("/a", 500, 480, $"anon {100 * MiB}\nfile {380 * MiB}\nshmem {80 * MiB}\ninactive_file {200 * MiB}\nactive_file {99 * MiB}\nslab_reclaimable {MiB}\n");
        AssertLimit("/sys/fs/cgroup/a", 500, 320);
    }

    [Fact]
    public void Swap_makes_room_where_there_is_some()
    {
        Process("0::/a", "/ /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        Write("/proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\nSwapFree: 1048576 kB\n");
        V2("/a", 500, 400);
        Assert.Equal((100 * MiB, 1124 * MiB), (MemoryRoom.Read(_root).Available, MemoryRoom.Read(_root).Most));
        Write("/sys/fs/cgroup/a/memory.swap.max", $"{64 * MiB}\n");
        Write("/sys/fs/cgroup/a/memory.swap.current", $"{4 * MiB}\n");
        Assert.Equal((100 * MiB, 160 * MiB), (MemoryRoom.Read(_root).Available, MemoryRoom.Read(_root).Most));
        Write("/sys/fs/cgroup/a/memory.swap.max", "0\n");
        Assert.Equal(100 * MiB, MemoryRoom.Read(_root).Most);
    }

    [Fact]
    public void Of_version_1_the_own_group_and_all_above_it_count()
    {
        Process(
            "5:devices:/elsewhere\n4:cpu,memory:/outer/inner\n0::/",
            "/ /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices", "/ /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,cpu,memory");
        V1("", long.MaxValue / MiB, 7000);
        V1("/outer", 1000, 950);
        V1("/outer/inner", 96, 40);
        AssertLimit("/sys/fs/cgroup/memory/outer", 1000, 50);
        V1("/outer/inner", 96, 60, $"cache {30 * MiB}\ninactive_file 1\ntotal_inactive_file {20 * MiB}\ntotal_active_file {4 * MiB}\n");
        AssertLimit("/sys/fs/cgroup/memory/outer", 1000, 50);
        V1("/outer/inner", 96, 60);
        AssertLimit("/sys/fs/cgroup/memory/outer/inner", 96, 36);
    }

    [Fact]
    public void A_group_of_version_1_that_does_not_count_its_children_does_not_limit_them()
    {
        Process("4:memory:/outer/inner", "/ /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory");
        V1("/outer", 96, 90);
        V1("/outer/inner", 200, 100);
        Write("/sys/fs/cgroup/memory/outer/memory.use_hierarchy", "0\n");
        AssertLimit("/sys/fs/cgroup/memory/outer/inner", 200, 100);
        Write("/sys/fs/cgroup/memory/outer/memory.use_hierarchy", "1\n");
        AssertLimit("/sys/fs/cgroup/memory/outer", 96, 6);
    }

    [Fact]
    public void Of_a_hybrid_both_versions_count()
    {
        Process(
            "4:memory:/one\n1:name=systemd:/x\n0::/two",
            "/ /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory", "/ /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw");
        V1("/one", 300, 100);
        AssertLimit("/sys/fs/cgroup/memory/one", 300, 200);
        V2("/two", 150, 100, point: "/sys/fs/cgroup/unified");
        AssertLimit("/sys/fs/cgroup/unified/two", 150, 50);
    }

    [Theory]
    [InlineData("0::/docker/abc", "/docker/abc")] // the host's path, and the group itself mounted
    [InlineData("0::/", "/")] // a namespace of its own
    [InlineData("0::/docker/abc", "/kubepods/other")] // what is mounted is not what the path is of
    [InlineData("0::/../../other", "/")] // outside of the namespace
    public void A_container_sees_its_own_group_at_the_mount(string cgroup, string mountRoot)
    {
        Process(cgroup, mountRoot + " /sys/fs/cgroup ro - cgroup2 cgroup rw");
        V2("", 256, 56);
        AssertLimit("/sys/fs/cgroup", 256, 200);
    }

    [Fact]
    public void A_container_of_version_1_with_a_path_of_odd_characters_is_found()
    {
        Process("4:memory:/my app/a\\b", "/my\\040app /mnt/c\\040g rw - cgroup cgroup rw,memory");
        Write("/mnt/c g/a\\b/memory.limit_in_bytes", $"{64 * MiB}\n");
        Write("/mnt/c g/a\\b/memory.usage_in_bytes", "0\n");
        AssertLimit("/mnt/c g/a\\b", 64, 64);
    }

    [Theory]
    [InlineData("max")]
    [InlineData("18446744073709551615")]
    [InlineData("")]
    [InlineData("nonsense")]
    public void What_is_no_limit_is_none(string text)
    {
        Process("0::/a", "/ /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "broken line", "1 2 3 - cgroup2", "");
        V2("/a", null, 10);
        Write("/sys/fs/cgroup/a/memory.max", text + "\n");
        Assert.Null(MemoryRoom.Read(_root).Limit);
        V1("", 1, 1);
        Assert.Null(MemoryRoom.Read(_root).Limit);
    }

    [Fact]
    public void A_limit_above_the_machines_memory_is_none_and_one_that_is_exceeded_leaves_nothing()
    {
        Process("0::/a", "/ /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        V2("/a", 9000, 10);
        Assert.Null(MemoryRoom.Read(_root).Limit);
        V2("/a", 100, 140);
        AssertLimit("/sys/fs/cgroup/a", 100, 0);
    }

    [Fact]
    public void A_refusal_names_the_group_and_what_to_do()
    {
        Process("0::/a", "/ /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        V2("/a", 100, 40);
        MemoryRoom room = MemoryRoom.Read(_root);
        room.Require(60 * MiB, "It", "do less");
        var error = Assert.Throws<VaiEngineException>(() => room.Require((60 * MiB) + 1, "It", "do less"));
        Assert.Equal(VaiError.OutOfMemory, error.Code);
        Assert.Equal(
            "It needs 61 MiB of memory, and 60 MiB are available: the control group /sys/fs/cgroup/a allows 100 MiB, of which 40 MiB are in use. "
            + "Raise its limit (MemoryMax= of a unit, --memory of a container), or do less.", error.Message);
        Directory.Delete(Path.Combine(_root, "sys"), recursive: true);
        Assert.Contains("the machine has 8192 MiB", Assert.Throws<VaiEngineException>(() => MemoryRoom.Read(_root).Require(5L << 30, "It", "do less")).Message);

        // Where nothing is told nothing is refused.
        Directory.Delete(Path.Combine(_root, "proc"), recursive: true);
        MemoryRoom.Read(_root).Require(long.MaxValue, "It", "do less");
    }

    /// <summary>As of a unit with <c>ProcSubset=pid</c>.</summary>
    [Fact]
    public void Where_the_machine_is_not_to_be_seen_a_group_counts_alone()
    {
        File.Delete(Path.Combine(_root, "proc/meminfo"));
        MemoryRoom room = MemoryRoom.Read(_root);
        Assert.Equal((0, 0, null), (room.Total, room.Available, room.Limit));
        Process("0::/a", "/ /sys/fs/cgroup rw - cgroup2 cgroup2 rw");
        V2("/a", 500, 400);
        AssertLimit("/sys/fs/cgroup/a", 500, 100);
        room = MemoryRoom.Read(_root);
        Assert.Equal((500 * MiB, 100 * MiB), (room.Total, room.Most));
        room.Require(100 * MiB, "It", "do less");
        Assert.Throws<VaiEngineException>(() => room.Require((100 * MiB) + 1, "It", "do less"));
    }

    [Fact]
    public void The_real_system_is_read()
    {
        MemoryRoom room = MemoryRoom.Read();
        Assert.InRange(room.Available, 1, room.Total);
        Assert.InRange(MemoryRoom.OwnBytes(), 1, MemoryRoom.ProcessBytes);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void AssertLimit(string group, long limit, long free)
    {
        MemoryRoom room = MemoryRoom.Read(_root);
        Assert.Equal((group, limit * MiB, free * MiB), (room.Limit?.Group, room.Limit?.Bytes, room.Limit?.Free));
        Assert.Equal(free * MiB, room.Available);
        Assert.InRange(room.Total, 1, limit * MiB);
    }

    private void Process(string cgroup, params string[] mounts)
    {
        Write("/proc/self/cgroup", cgroup + "\n");
        Write("/proc/self/mountinfo", "21 26 0:20 / /proc rw - proc proc rw\n" + string.Concat(mounts.Select((m, i) => $"{30 + i} 22 0:{i} {m}\n")));
    }

    private void V2(string group, long? max, long current, string stat = "anon 1\n", string point = "/sys/fs/cgroup")
    {
        Write($"{point}{group}/memory.max", max is { } m ? $"{m * MiB}\n" : "max\n");
        Write($"{point}{group}/memory.current", $"{current * MiB}\n");
        Write($"{point}{group}/memory.stat", stat);
    }

    private void V1(string group, long limit, long usage, string stat = "cache 0\n")
    {
        Write($"/sys/fs/cgroup/memory{group}/memory.limit_in_bytes", $"{limit * MiB}\n");
        Write($"/sys/fs/cgroup/memory{group}/memory.usage_in_bytes", $"{usage * MiB}\n");
        Write($"/sys/fs/cgroup/memory{group}/memory.stat", stat);
    }

    private void Write(string path, string text)
    {
        string file = _root + path;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
