namespace VAI.Cli.Output;

/// <summary>Numbers and rows for people.</summary>
internal static class Format
{
    private static readonly string[] Units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

    public static string Bytes(long bytes)
    {
        double value = bytes;
        int unit = 0;
        for (; value >= 1024 && unit < Units.Length - 1; unit++)
            value /= 1024;
        return unit == 0 ? $"{bytes} bytes" : $"{value:F1} {Units[unit]}";
    }

    /// <summary>Milliseconds with three decimals: finer is noise.</summary>
    public static double Ms(TimeSpan time) => Math.Round(time.TotalMilliseconds, 3);

    /// <summary>A value of an enumeration as scripts and people read it.</summary>
    public static string Name<T>(T value)
        where T : struct, Enum => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static double Number(double value) => Math.Round(value, 3);

    public static void Rows(params (string Label, object? Value)[] rows)
    {
        int width = rows.Max(r => r.Label.Length);
        foreach ((string label, object? value) in rows)
        {
            if (value is not null)
                Console.Out.WriteLine($"{label.PadRight(width)}  {value}");
        }
    }
}
