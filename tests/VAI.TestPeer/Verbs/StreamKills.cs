using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace VAI.TestPeer.Verbs;

/// <summary>
/// <c>stream-kills SOCKET REQUEST</c>: for each line of numbers, as many clients of a daemon. Each is a process that sends the HTTP
/// request, in which <c>@@@@@@</c> stands for a number of its own, and reads what comes. Once each has had as many events as its
/// number says, all are killed at once; prints the <see cref="Stopwatch"/>'s timestamps before the first kill and when the kernel
/// has ended the last one. Ends with its input.
/// </summary>
/// <remarks>The clients are forks, as <see cref="Zygote"/> has them: they allocate nothing. Start it with its environment.</remarks>
internal static unsafe class StreamKills
{
    private const int Unix = 1;
    private const int Stream = 1;
    private const int AddressLength = 110;
    private const string Number = "@@@@@@";

    public static int Run(string socket, string request)
    {
        byte[] address = new byte[AddressLength];
        address[0] = Unix;
        Encoding.UTF8.GetBytes(socket, address.AsSpan(2));
        int* told = stackalloc int[2];
        _ = Libc.pipe(told);

        // The caller runs the child's code before, and what a fork inherits is as it will be.
        int clients = 0;
        _ = Read(address, Encoding.UTF8.GetBytes(request.Replace(Number, $"{0:D6}")), 1, told[1]);
        if (!Await(told[0]))
            return ExitCodes.CheckFailed;
        _ = Libc.kill(Environment.ProcessId, 0) + Libc.waitpid(-1, out _, 1);
        GC.Collect();
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            int[] events = [.. line.Split(' ').Select(n => int.Parse(n, CultureInfo.InvariantCulture))];
            byte[][] requests = [.. events.Select(_ => Encoding.UTF8.GetBytes(request.Replace(Number, $"{++clients:D6}")))];
            int[] children = new int[events.Length];
            for (int i = 0; i < events.Length; i++)
            {
                children[i] = Libc.fork();
                if (children[i] == 0)
                    Libc._exit(Read(address, requests[i], events[i], told[1], forever: true));
            }

            bool all = true;
            foreach (int child in children)
                all &= child > 0 && Await(told[0]);
            long killed = Stopwatch.GetTimestamp();
            foreach (int child in children)
                _ = Libc.kill(child, Libc.SIGKILL);
            foreach (int child in children)
                all &= Libc.waitpid(child, out int status, 0) == child && (status & 0x7F) == Libc.SIGKILL;
            if (!all)
                return ExitCodes.CheckFailed;
            Console.WriteLine($"{killed} {Stopwatch.GetTimestamp()}");
        }

        return ExitCodes.Done;
    }

    private static bool Await(int told)
    {
        byte one;
        return Libc.read(told, &one, 1) == 1 && one == 1;
    }

    /// <summary>Sends the request, tells by a 1 when so many events have come, or by a 0 that they will not.</summary>
    private static int Read(byte[] address, byte[] request, int events, int told, bool forever = false)
    {
        byte* buffer = stackalloc byte[4096];
        byte result = 0;
        int socket = Libc.socket(Unix, Stream, 0);
        fixed (byte* to = address, sent = request)
        {
            nint read = Libc.connect(socket, to, AddressLength) == 0 && Libc.write(socket, sent, request.Length) == request.Length ? 1 : 0;
            byte last = 0;
            while (read > 0 && (events > 0 || forever))
            {
                read = Libc.read(socket, buffer, 4096);
                for (int i = 0; i < read; i++)
                {
                    // Events end with an empty line.
                    events -= buffer[i] == '\n' && last == '\n' ? 1 : 0;
                    last = buffer[i];
                }

                if (events > 0 || result == 1)
                    continue;
                result = 1;
                _ = Libc.write(told, &result, 1);
            }
        }

        if (result == 0)
            _ = Libc.write(told, &result, 1);
        return Libc.close(socket) + 1;
    }
}
