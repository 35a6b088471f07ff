using System.Globalization;
using System.Numerics;
using VAI.Text.Jinja.Running;
using VAI.Text.Jinja.Syntax;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Builtins.Filtering;

/// <summary>Filters of numbers.</summary>
internal static class NumberFilters
{
    public static IEnumerable<Builtin> All =>
    [
        new("abs", [], (run, self, a) => self.Kind == ValueKind.Float ? Math.Abs(self.Float)
            : self.IsInteger ? BigInteger.Abs(self.BigInteger) : throw run.Error($"{What.Is(self)} is no number")),
        new("int", ["default", "base"], Int),
        new("float", ["default"], Float),
        new("round", ["precision", "method"], Round),
        new("sum", ["attribute", "start"], Sum),
        new("filesizeformat", ["binary"], FileSize),
    ];

    private static Value Int(Rendering run, Value self, CallArguments a)
    {
        Value otherwise = a[0].IsMissing ? 0L : a[0];
        if (self.IsText)
        {
            Value whole = NumberText.ReadInteger(self.String, run.Budget, Radix(run, a[1]));
            if (!whole.IsMissing)
                return whole;
            Value real = NumberText.ReadFloat(self.String, run.Budget);
            return real.IsMissing ? otherwise : Truncate(real, otherwise);
        }

        if (self.Kind == ValueKind.Float && double.IsInfinity(self.Float))
            throw run.Error("what is infinite is no integer");
        return self.IsUndefined ? throw run.Error($"{self.Hint} is no number") : self.IsNumber ? Truncate(self, otherwise) : otherwise;
    }

    // Less than zero where there is none: no text is an integer then.
    private static int Radix(Rendering run, Value value)
    {
        int radix = Given.Integer(run, value, 10, "a base");
        return radix is 0 or (>= 2 and <= 36) ? radix : -1;
    }

    private static Value Truncate(Value value, Value otherwise) => value.Kind != ValueKind.Float ? value.BigInteger
        : double.IsFinite(value.Float) ? new BigInteger(Math.Truncate(value.Float)) : otherwise;

    private static Value Float(Rendering run, Value self, CallArguments a)
    {
        Value otherwise = a[0].IsMissing ? 0.0 : a[0];
        if (self.IsUndefined)
            throw run.Error($"{self.Hint} is no number");
        Value real = self.IsNumber ? Arithmetic.Real(run, self) : self.IsText ? NumberText.ReadFloat(self.String, run.Budget) : default;
        return real.IsMissing ? otherwise : real;
    }

    private static Value Round(Rendering run, Value self, CallArguments a)
    {
        int precision = Given.Integer(run, a[0], 0, "a precision");
        string method = Given.String(run, a[1], "common", "a method")!;
        if (!self.IsNumber)
            throw run.Error($"{What.Is(self)} is no number");
        if (Math.Abs(precision) > 300)
            throw run.Error("a precision of more than 300 digits");
        switch (method)
        {
            case "common":
                return self.IsInteger ? Nearest(run, self.BigInteger, precision) : Nearest(self.Float, precision);
            case "ceil":
                return Math.Ceiling(self.Float * Math.Pow(10, precision)) / Math.Pow(10, precision);
            case "floor":
                return Math.Floor(self.Float * Math.Pow(10, precision)) / Math.Pow(10, precision);
            default:
                throw run.Error("'round' knows the methods common, ceil and floor");
        }
    }

    private static Value Nearest(Rendering run, BigInteger value, int precision)
    {
        if (precision >= 0)
            return value;
        NumberText.CheckBits(value, run.Budget);
        BigInteger unit = BigInteger.Pow(10, -precision);
        BigInteger down = Arithmetic.Apply(run, BinaryOperator.FloorDivide, value, unit).BigInteger, twice = (value - (down * unit)) * 2;
        return (twice > unit || (twice == unit && !down.IsEven) ? down + 1 : down) * unit;
    }

    // By its exact digits: 2.675 is less than it looks.
    private static double Nearest(double value, int precision)
    {
        if (!double.IsFinite(value))
            return value;
        if (precision >= 0)
            return double.Parse(value.ToString($"F{precision}", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        double unit = Math.Pow(10, -precision);
        return Math.Round(value / unit, MidpointRounding.ToEven) * unit;
    }

    private static Value Sum(Rendering run, Value self, CallArguments a)
    {
        Value sum = a[1].IsMissing ? 0L : a[1];
        if (sum.IsText)
            throw run.Error("strings are joined, not summed");
        foreach (Value item in Iteration.Items(run, self))
            sum = Operators.Apply(run, BinaryOperator.Add, sum, a[0].IsMissing || a[0].IsNone ? item : Lookup.Path(run, item, a[0]));
        return sum;
    }

    private static Value FileSize(Rendering run, Value self, CallArguments a)
    {
        bool binary = Given.Flag(a[0], false);
        double bytes = self.IsNumber ? self.Float : self.IsText && NumberText.ReadFloat(self.String, run.Budget) is { IsMissing: false } read
            ? read.Float : throw run.Error($"{What.Is(self)} is no number of bytes");
        double unit = binary ? 1024 : 1000;
        if (bytes == 1)
            return "1 Byte";
        if (bytes < unit)
            return $"{(long)bytes} Bytes";
        string[] prefixes = binary ? ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
        int i = 0;
        for (bytes /= unit; bytes >= unit && i < prefixes.Length - 1; i++)
            bytes /= unit;
        return FormattableString.Invariant($"{bytes:F1} {prefixes[i]}");
    }
}
