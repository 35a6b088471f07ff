using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace VAI.Diagnostics;

/// <summary>
/// Between VAI and who listens to its meters and activities: foreign code, called wherever something is measured. What it throws ends here. Allocates
/// nothing but where something is thrown.
/// </summary>
internal static class Listeners
{
    private const string Origin = "A listener of meters or activities";

    public static void Measure<T>(this Histogram<T>? instrument, T value, KeyValuePair<string, object?> tag)
        where T : struct
    {
        try
        {
            instrument?.Record(value, tag);
        }
        catch (Exception e)
        {
            Swallow(e);
        }
    }

    public static void Measure<T>(this Histogram<T>? instrument, T value, in TagList tags)
        where T : struct
    {
        try
        {
            instrument?.Record(value, tags);
        }
        catch (Exception e)
        {
            Swallow(e);
        }
    }

    public static void Count(this Counter<long>? instrument, long value, KeyValuePair<string, object?> tag)
    {
        try
        {
            instrument?.Add(value, tag);
        }
        catch (Exception e)
        {
            Swallow(e);
        }
    }

    /// <summary>Starts an activity; null if nobody wants it, or who does threw.</summary>
    public static Activity? Begin(this ActivitySource? source, string name, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (source is null || !source.HasListeners())
            return null;
        Activity? before = Activity.Current;
        try
        {
            Activity? activity = source.StartActivity(name, ActivityKind.Internal);
            foreach (KeyValuePair<string, object?> tag in tags)
                activity?.SetTag(tag.Key, tag.Value);
            return activity;
        }
        catch (Exception e)
        {
            Swallow(e);
            Activity.Current = before;
            return null;
        }
    }

    /// <summary>Stops an activity.</summary>
    public static void End(this Activity? activity)
    {
        try
        {
            activity?.Dispose();
        }
        catch (Exception e)
        {
            Swallow(e);
            Activity.Current = activity!.Parent;
        }
    }

    /// <summary>Makes an instrument. Who is told of it may throw; it is there all the same.</summary>
    public static T? Made<T>(Meter meter, Func<Meter, T> make)
        where T : Instrument
    {
        try
        {
            return make(meter);
        }
        catch (Exception e)
        {
            Swallow(e);
            return Last<T>(meter);
        }
    }

    /// <summary>Makes something whose making calls who wants to know of it; null if that threw.</summary>
    public static T? Made<T>(Func<T> make)
        where T : class
    {
        try
        {
            return make();
        }
        catch (Exception e)
        {
            Swallow(e);
            return null;
        }
    }

    // .NET keeps an instrument before it tells of it, but gives it to its maker only afterwards.
    private static T? Last<T>(Meter meter)
        where T : Instrument
    {
        T? last = null;
        using var finder = new MeterListener();
        finder.InstrumentPublished = (instrument, _) => last = instrument.Meter == meter && instrument is T found ? found : last;
        finder.Start();
        return last;
    }

    private static void Swallow(Exception error) => Faults.Report(Origin, error);
}
