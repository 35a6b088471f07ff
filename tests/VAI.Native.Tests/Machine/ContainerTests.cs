using VAI.Native.Tests.Rom;

namespace VAI.Native.Tests.Machine;

/// <summary>Processes in mount namespaces of their own, as containers have them: what is not to be seen there, or has no room, is done without.</summary>
/// <remarks>Root may make one, and so may most users in a user namespace; where neither is allowed these fail and say so.</remarks>
public sealed class ContainerTests(RomModels models) : RomTest(models)
{
    /// <summary>proc(5) of a unit with <c>ProcSubset=pid</c>, which has processes and nothing else.</summary>
    [Fact]
    public async Task Without_the_kernels_books_all_threads_compute_each_step()
    {
        string[] here = await AnswerAsync(PeerProcess.Start("one-answer", Space, Models.Tiny));
        Assert.Equal(["True", "False"], here[..2]);
        string[] there = await AnswerAsync(Within("mount -t proc -o subset=pid proc /proc && ! [ -e /proc/stat ]", "one-answer", Space, Models.Tiny));
        Assert.Equal(["False", "True", "2", here[3]], there);
    }

    [Fact]
    public async Task Without_room_for_the_page_of_turns_a_process_computes_without()
    {
        string page = Path.Combine(Space, "turns"), filler = Path.Combine(Space, "filler");
        using PeerProcess process = PeerProcess.StartUnder(
            Unshare(
                $"""
                set -e
                mount -t tmpfs -o size=64m,mode=0700 vai-test {Space}
                "$0" "$@"; stat -c %b {page}; rm {page}
                cat /dev/zero > {filler} 2> /dev/null || true
                "$0" "$@"; stat -c %b {page}; rm {filler}
                "$0" "$@"; stat -c %b {page}
                """),
            [], "one-answer", Space, Models.Tiny);
        var answers = new HashSet<string>();
        foreach (bool room in (bool[])[true, false, true])
        {
            answers.Add((await process.ReadLineAsync()).Split(' ')[3]);

            // The page has blocks, or is a name and nothing else.
            Assert.Equal(room, await process.ReadLineAsync() != "0");
        }

        Assert.Single(answers);
        Assert.Equal(ExitCodes.Done, await process.EndAsync());
    }

    private static PeerProcess Within(string command, params string[] arguments) => PeerProcess.StartUnder(Unshare($"{command} && exec \"$0\" \"$@\""), [], arguments);

    private static string[] Unshare(string script) => ["unshare", IsRoot ? "-mpf" : "-Urmpf", "--kill-child", "sh", "-c", script];

    private static async Task<string[]> AnswerAsync(PeerProcess peer)
    {
        using (peer)
        {
            string said = await peer.ReadLineAsync();
            Assert.Equal(ExitCodes.Done, await peer.EndAsync());
            return said.Split(' ');
        }
    }
}
