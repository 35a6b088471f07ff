using System.Numerics;

namespace VAI.Text.Jinja.Values;

internal enum ValueKind : byte
{
    /// <summary>No value at all: an argument that was not given, a name that a scope does not have. No template sees it.</summary>
    Missing,

    /// <summary>What Jinja has where there is nothing: it is written as nothing, counts as false and has no items.</summary>
    Undefined,
    None,
    Boolean,
    Integer,
    Float,
    Text,
    List,
    Tuple,
    Dict,

    /// <summary>What has attributes or can be called: a namespace, a loop, a macro, a method.</summary>
    Object,
}

/// <summary>A value of a template, with the meaning that Python gives it. Immutable, but for what lists, dictionaries and objects hold.</summary>
internal readonly struct Value
{
    // The text, list, dictionary, object or big integer; of an undefined value what it is said to be.
    private readonly object? _object;

    // An integer that fits, the bits of a float, 1 of true and of a text that the caller gave.
    private readonly long _bits;

    private Value(ValueKind kind, object? held, long bits)
    {
        Kind = kind;
        _object = held;
        _bits = bits;
    }

    public ValueKind Kind { get; }

    public static Value None { get; } = new(ValueKind.None, null, 0);

    public static Value True { get; } = new(ValueKind.Boolean, null, 1);

    public static Value False { get; } = new(ValueKind.Boolean, null, 0);

    public bool IsMissing => Kind == ValueKind.Missing;

    public bool IsUndefined => Kind == ValueKind.Undefined;

    public bool IsNone => Kind == ValueKind.None;

    public bool IsText => Kind == ValueKind.Text;

    /// <summary>A list or a tuple.</summary>
    public bool IsList => Kind is ValueKind.List or ValueKind.Tuple;

    public bool IsDict => Kind == ValueKind.Dict;

    /// <summary>Python's numbers, of which booleans are some.</summary>
    public bool IsNumber => Kind is ValueKind.Integer or ValueKind.Float or ValueKind.Boolean;

    /// <summary>An integer or a boolean.</summary>
    public bool IsInteger => Kind is ValueKind.Integer or ValueKind.Boolean;

    /// <summary>An integer that 64 bits do not hold.</summary>
    public bool IsBig => Kind == ValueKind.Integer && _object is not null;

    /// <summary>Of a boolean, and of an integer of at most 64 bits.</summary>
    public long Int64 => _bits;

    public BigInteger BigInteger => _object is BigInteger big ? big : _bits;

    public double Float => Kind == ValueKind.Float ? BitConverter.Int64BitsToDouble(_bits) : _object is BigInteger big ? (double)big : _bits;

    public bool Boolean => _bits != 0;

    /// <summary>Of a text.</summary>
    public string String => _object as string ?? ((MarkedText)_object!).String;

    /// <summary>Of a text whose parts came from both; else null.</summary>
    public MarkedText? Mixed => _object as MarkedText;

    /// <summary>Whether all of a text came from the caller.</summary>
    public bool IsCallers => Kind == ValueKind.Text && _bits != 0;

    public ValueList List => (ValueList)_object!;

    public ValueDict Dict => (ValueDict)_object!;

    public ValueObject Object => (ValueObject)_object!;

    /// <summary>What is undefined, in the words of an error.</summary>
    public string Hint => $"'{(string)_object!}', which is undefined,";

    /// <summary>What two values of one identity share.</summary>
    public object? Reference => _object;

    public static implicit operator Value(bool value) => value ? True : False;

    public static implicit operator Value(long value) => new(ValueKind.Integer, null, value);

    public static implicit operator Value(double value) => new(ValueKind.Float, null, BitConverter.DoubleToInt64Bits(value));

    public static implicit operator Value(BigInteger value) =>
        value >= long.MinValue && value <= long.MaxValue ? (Value)(long)value : new Value(ValueKind.Integer, value, 0);

    /// <summary>A text of the template's.</summary>
    public static implicit operator Value(string value) => new(ValueKind.Text, value, 0);

    public static implicit operator Value(ValueDict value) => new(ValueKind.Dict, value, 0);

    public static implicit operator Value(ValueObject value) => new(ValueKind.Object, value, 0);

    /// <summary>A list.</summary>
    public static implicit operator Value(ValueList value) => new(ValueKind.List, value, 0);

    public static Value Tuple(ValueList items) => new(ValueKind.Tuple, items, 0);

    public static Value Tuple(params ReadOnlySpan<Value> items) => Tuple(new ValueList([.. items]));

    /// <param name="name">Of what there is none, for errors.</param>
    public static Value Undefined(string name) => new(ValueKind.Undefined, name, 0);

    /// <summary>A text of one origin.</summary>
    public static Value Text(string text, bool callers) => new(ValueKind.Text, text, callers ? 1 : 0);

    public static Value Text(MarkedText text) => new(ValueKind.Text, text, 0);

    /// <summary>A part of a text, whose marks it keeps.</summary>
    /// <param name="start">In UTF-16 units.</param>
    /// <param name="length">In UTF-16 units.</param>
    public Value Part(int start, int length)
    {
        if (start == 0 && length == String.Length)
            return this;
        return Mixed is { } mixed ? mixed.Part(start, length) : Text(length == 0 ? "" : String.Substring(start, length), IsCallers);
    }

    /// <summary>Another text of the same origin: what came from both counts as the caller's.</summary>
    public Value Become(string text) => Text(text, Mixed is not null || IsCallers);
}
