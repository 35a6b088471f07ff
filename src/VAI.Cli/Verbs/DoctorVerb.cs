namespace VAI.Cli.Verbs;

internal static class DoctorVerb
{
    public static Command Create()
    {
        var command = new Command("doctor", "Say what VAI found on this machine, and what to do if something is wrong.");
        command.Does((parsed, _) =>
        {
            DiagnosticReport report = Vai.Diagnose();
            if (parsed.GetValue(Common.Json))
                Documents.Print(Document(report), Documents.Default.DoctorDocument);
            else
                Print(report);
            return Task.FromResult(report.Ready ? Failure.Ok : Failure.Failed);
        });
        return command;
    }

    private static DoctorDocument Document(DiagnosticReport r) => new(
        r.Ready,
        r.ErrorCode is { } code ? new ErrorBody(Failure.Code(code), r.ErrorMessage ?? "") : null,
        [.. r.Probed.Select(p => new ProbedBody(p.Source, p.Path, p.Outcome))],
        r.LibraryFile,
        r.LibraryVersion,
        r.Abi,
        r.CpuFeatures,
        r.CpuKernels,
        [.. r.Devices.Select(d => new DeviceBody(d.Name, d.Description, d.IsCpu, d.FreeMemory, d.TotalMemory))],
        r.PhysicalCores,
        r.TotalMemory,
        r.AvailableMemory,
        r.SharedMemory,
        r.SharedMemoryFree,
        r.Fix,
        r.MemoryLimit,
        r.MemoryLimitSource,
        r.HugePages,
        r.LibrarySource,
        r.LibraryCost);

    private static void Print(DiagnosticReport r)
    {
        foreach (ProbedLibrary p in r.Probed)
            Console.Out.WriteLine($"tried {p.Path} ({p.Source}): {p.Outcome}");
        Format.Rows(
            ("error", r.ErrorMessage),
            ("library", r.LibraryFile),
            ("source", r.LibrarySource),
            ("cost", r.LibraryCost),
            ("version", r.LibraryVersion),
            ("layout", r.Abi),
            ("cpu features", r.CpuFeatures),
            ("cpu kernels", r.LibraryFile is null ? null : r.CpuKernels ?? "linked in"),
            ("physical cores", r.PhysicalCores),
            ("memory", r.TotalMemory == 0 ? "unknown: the system does not tell (/proc/meminfo)" : $"{Format.Bytes(r.AvailableMemory)} available of {Format.Bytes(r.TotalMemory)}"),
            ("memory limit", r.MemoryLimit is { } limit ? $"{Format.Bytes(limit)} of the control group {r.MemoryLimitSource}" : null),
            ("/dev/shm", $"{Format.Bytes(r.SharedMemoryFree)} free of {Format.Bytes(r.SharedMemory)}"),
            ("huge pages", r.HugePages ? "given to ROMs in memory" : "not given to ROMs (Linux 6.1 has them; shmem_enabled must not be 'deny')"));
        foreach (ComputeDevice d in r.Devices)
            Console.Out.WriteLine($"device {d.Name}: {d.Description}, {Format.Bytes(d.FreeMemory)} free of {Format.Bytes(d.TotalMemory)}");
        Console.Out.WriteLine(r.Fix is null ? "Nothing is wrong." : $"To do: {r.Fix}");
    }
}
