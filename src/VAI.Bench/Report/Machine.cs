using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VAI.Bench.Report;

/// <summary>What a report was made on.</summary>
internal sealed record Machine(
    string Cpu,
    int Cores,
    int PhysicalCores,
    string CpuKernels,
    long MemoryBytes,
    string Kernel,
    string Llama,
    string DotNet,
    string Vai,
    string Date)
{
    public static Machine Read()
    {
        DiagnosticReport found = VAI.Vai.Diagnose();
        return new Machine(
            Line("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
            Environment.ProcessorCount,
            found.PhysicalCores,
            found.CpuKernels is { } kernels ? Path.GetFileNameWithoutExtension(kernels) : "linked in",
            found.TotalMemory,
            $"{RuntimeInformation.OSDescription}, kernel {Line("/proc/sys/kernel/osrelease", "") ?? "unknown"}",
            found.LibraryVersion ?? "unknown",
            $"{RuntimeInformation.FrameworkDescription}, {(RuntimeFeature.IsDynamicCodeCompiled ? "compiled as it runs" : "compiled ahead of time")}",
            typeof(Machine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
    }

    private static string? Line(string file, string name)
    {
        try
        {
            return File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[^1].Trim();
        }
        catch (IOException)
        {
            return null;
        }
    }
}
