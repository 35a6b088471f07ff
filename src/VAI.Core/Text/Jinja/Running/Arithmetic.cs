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

        double x = left.Float, y = right.Float;
        return @operator switch
        {
            BinaryOperator.Add => x + y,
            BinaryOperator.Subtract => x - y,
            BinaryOperator.Multiply => x * y,
            BinaryOperator.Power => Power(run, x, y),
            _ when y == 0 => throw Zero(run),
            BinaryOperator.Divide => x / y,
            BinaryOperator.FloorDivide => Math.Floor((x - Modulo(x, y)) / y),
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
            return (double)x / (double)y;
        BigInteger quotient = BigInteger.DivRem(x, y, out BigInteger rest);
        bool down = !rest.IsZero && rest.Sign != y.Sign;
        if (@operator == BinaryOperator.FloorDivide)
            return down ? quotient - 1 : quotient;
        return down ? rest + y : rest;
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
        return double.IsNaN(result) && !double.IsNaN(x) && !double.IsNaN(y) ? throw run.Error("a root of a negative number is no number") : result;
    }

    private static TemplateError Zero(Rendering run) => run.Error("something is divided by zero");

    private static TemplateError TooLarge(Rendering run) => run.Error($"an integer would have more than {MostBits} bits");
}
