using System.Numerics;
using VAI.Text.Jinja.Syntax;
using VAI.Text.Jinja.Values;

namespace VAI.Text.Jinja.Running;

/// <summary>Python's arithmetic: integers without end, division that gives a float, a quotient rounded down and a rest of the divisor's sign.</summary>
internal static class Arithmetic
{
    // Of a power: what is written out of it has a bound anyway.
    private const int MostBits = 1 << 16;

    public static Value Apply(Rendering run, BinaryOperator @operator, Value left, Value right)
    {
        if (left.IsInteger && right.IsInteger && (@operator != BinaryOperator.Power || right.BigInteger.Sign >= 0))
        {
            return !left.IsBig && !right.IsBig && Small(@operator, left.Int64, right.Int64) is { } small
                ? small : Whole(run, @operator, left.BigInteger, right.BigInteger);
        }

        double x = Real(run, left), y = Real(run, right);
        return @operator switch
        {
            BinaryOperator.Add => x + y,
            BinaryOperator.Subtract => x - y,
            BinaryOperator.Multiply => x * y,
            BinaryOperator.Power => Power(run, x, y),
            _ when y == 0 => throw Zero(run),
            BinaryOperator.Divide => x / y,
            BinaryOperator.FloorDivide => Floor(x, y),
            _ => Modulo(x, y),
        };
    }

    private static Value? Small(BinaryOperator @operator, long x, long y)
    {
        long result;
        switch (@operator)
        {
            case BinaryOperator.Add:
                result = unchecked(x + y);
                return ((x ^ result) & (y ^ result)) < 0 ? null : result;
            case BinaryOperator.Subtract:
                result = unchecked(x - y);
                return ((x ^ y) & (x ^ result)) < 0 ? null : result;
            case BinaryOperator.Modulo when y > 0:
                result = x % y;
                return result < 0 ? result + y : result;
            default:
                return null;
        }
    }

    private static Value Whole(Rendering run, BinaryOperator @operator, BigInteger x, BigInteger y)
    {
        if (x.GetBitLength() + y.GetBitLength() > MostBits)
            throw TooLarge(run);
        run.Budget.Spend((x.GetBitLength() + y.GetBitLength()) / 64);
        switch (@operator)
        {
            case BinaryOperator.Add:
                return x + y;
            case BinaryOperator.Subtract:
                return x - y;
            case BinaryOperator.Multiply:
                return x * y;
            case BinaryOperator.Power:
                if (y > MostBits || x.GetBitLength() * y > MostBits)
                    return x.IsZero || x.IsOne ? x : x == -1 ? (y.IsEven ? 1 : -1) : throw TooLarge(run);
                run.Budget.Spend((long)(x.GetBitLength() * y) / 64);
                return BigInteger.Pow(x, (int)y);
        }

        if (y.IsZero)
            throw Zero(run);
        if (@operator == BinaryOperator.Divide)
            return Quotient(run, x, y);
        BigInteger quotient = BigInteger.DivRem(x, y, out BigInteger rest);
        bool down = !rest.IsZero && rest.Sign != y.Sign;
        if (@operator == BinaryOperator.FloorDivide)
            return down ? quotient - 1 : quotient;
        return down ? rest + y : rest;
    }

    /// <summary>A number as a float.</summary>
    /// <exception cref="TemplateError">It is an integer that no float is near.</exception>
    public static double Real(Rendering run, Value value) =>
        value.IsBig && !double.IsFinite(value.Float) ? throw run.Error("an integer is too large for a float") : value.Float;

    // Rounded once: both as floats first would round three times.
    private static double Quotient(Rendering run, BigInteger x, BigInteger y)
    {
        const long Exact = 1L << 53;
        if (BigInteger.Abs(x) <= Exact && BigInteger.Abs(y) <= Exact)
            return (double)x / (double)y;
        BigInteger size = BigInteger.Abs(x), by = BigInteger.Abs(y);

        // 66 bits or more of the quotient, the last of them set if anything is left: what is cut off then rounds as all of it would.
        int shift = (int)Math.Max(0, 66 - (size.GetBitLength() - by.GetBitLength()));
        BigInteger quotient = BigInteger.DivRem(size << shift, by, out BigInteger rest);
        long beyond = Math.Max(0, quotient.GetBitLength() - 62);
        bool exact = rest.IsZero && ((quotient >> (int)beyond) << (int)beyond) == quotient;
        long top = (long)(quotient >> (int)beyond) | (exact ? 0L : 1L);
        double result = Math.ScaleB(top, (int)beyond - shift);
        if (double.IsInfinity(result))
            throw run.Error("a quotient is too large for a float");
        return x.Sign == y.Sign ? result : -result;
    }

    private static double Floor(double x, double y)
    {
        double quotient = (x - (x % y)) / y;
        if (x % y != 0 && y < 0 != x % y < 0)
            quotient--;
        double floor = Math.Floor(quotient);
        return quotient == 0 ? Math.CopySign(0.0, x / y) : quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static double Modulo(double x, double y)
    {
        double rest = x % y;
        if (rest == 0)
            return Math.CopySign(0.0, y);
        return rest < 0 != y < 0 ? rest + y : rest;
    }

    private static double Power(Rendering run, double x, double y)
    {
        if (x == 0 && y < 0)
            throw Zero(run);
        double result = Math.Pow(x, y);
        if (double.IsInfinity(result) && double.IsFinite(x) && double.IsFinite(y))
            throw run.Error("a power is too large for a float");
        return double.IsNaN(result) && !double.IsNaN(x) && !double.IsNaN(y) ? throw run.Error("a root of a negative number is no number") : result;
    }

    private static TemplateError Zero(Rendering run) => run.Error("something is divided by zero");

    private static TemplateError TooLarge(Rendering run) => run.Error($"an integer would have more than {MostBits} bits");
}
