using System.Globalization;
using System.Text;
using VAI.Text.Jinja.Running;

namespace VAI.Text.Jinja.Builtins.Formats;

/// <summary>The time now, local, as Python's <c>strftime</c> writes it in the C locale.</summary>
internal static class PythonTime
{
    public static string Format(Rendering run, string format)
    {
        DateTimeOffset now = run.Time.GetLocalNow();
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            // A hyphen takes the leading zero or blank off.
            bool bare = format[i + 1] == '-' && i + 2 < format.Length;
            i += bare ? 2 : 1;
            string? part = Part(now, format[i]);
            text.Append(part is null ? $"%{(bare ? "-" : "")}{format[i]}" : bare ? part.TrimStart('0', ' ') is { Length: > 0 } short_ ? short_ : "0" : part);
        }

        run.Budget.Write(text.Length);
        return text.ToString();
    }

    private static string? Part(DateTimeOffset now, char kind)
    {
        CultureInfo c = CultureInfo.InvariantCulture;
        int hour = now.Hour % 12 == 0 ? 12 : now.Hour % 12;
        return kind switch
        {
            'd' => now.ToString("dd", c),
            'e' => $"{now.Day,2}",
            'm' => now.ToString("MM", c),
            'b' or 'h' => now.ToString("MMM", c),
            'B' => now.ToString("MMMM", c),
            'y' => now.ToString("yy", c),
            'Y' => now.Year.ToString(c),
            'C' => (now.Year / 100).ToString("00", c),
            'H' => now.ToString("HH", c),
            'k' => $"{now.Hour,2}",
            'I' => hour.ToString("00", c),
            'l' => $"{hour,2}",
            'M' => now.ToString("mm", c),
            'S' => now.ToString("ss", c),
            'f' => now.ToString("ffffff", c),
            'p' => now.Hour < 12 ? "AM" : "PM",
            'P' => now.Hour < 12 ? "am" : "pm",
            'a' => now.ToString("ddd", c),
            'A' => now.ToString("dddd", c),
            'w' => ((int)now.DayOfWeek).ToString(c),
            'u' => (now.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)now.DayOfWeek).ToString(c),
            'j' => now.DayOfYear.ToString("000", c),
            'U' => ((now.DayOfYear + 6 - (int)now.DayOfWeek) / 7).ToString("00", c),
            'W' => ((now.DayOfYear + 6 - (((int)now.DayOfWeek + 6) % 7)) / 7).ToString("00", c),
            'V' => ISOWeek.GetWeekOfYear(now.DateTime).ToString("00", c),
            'G' => ISOWeek.GetYear(now.DateTime).ToString(c),
            'D' or 'x' => now.ToString("MM/dd/yy", c),
            'T' or 'X' => now.ToString("HH:mm:ss", c),
            'F' => now.ToString("yyyy-MM-dd", c),
            'R' => now.ToString("HH:mm", c),
            'r' => $"{hour:00}:{now.Minute:00}:{now.Second:00} {(now.Hour < 12 ? "AM" : "PM")}",
            'c' => $"{now.ToString("ddd MMM", c)} {now.Day,2} {now.ToString("HH:mm:ss yyyy", c)}",
            's' => now.ToUnixTimeSeconds().ToString(c),
            'n' => "\n",
            't' => "\t",
            'Z' or 'z' => "",
            '%' => "%",
            _ => null,
        };
    }
}
