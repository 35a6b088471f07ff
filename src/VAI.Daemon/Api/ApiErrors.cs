using Microsoft.AspNetCore.Http;
using VAI.Daemon.Access;
using VAI.Daemon.Admission;
using VAI.Remote;
using VAI.Remote.Wire;

namespace VAI.Daemon.Api;

/// <summary>Errors as HTTP: a status, and a <see cref="WireError"/> as body or as last event.</summary>
internal static class ApiErrors
{
    private const int ClientClosedRequest = 499;

    /// <summary>A handler whose errors are answers.</summary>
    /// <param name="instance">Which process answers, see <see cref="RemoteLink.InstanceHeader"/>.</param>
    /// <param name="handler">The handler.</param>
    public static RequestDelegate Guard(string instance, Func<HttpContext, Task> handler) => async context =>
    {
        if (!context.Response.HasStarted)
            context.Response.Headers[RemoteLink.InstanceHeader] = instance;
        try
        {
            // However its path was written.
            if (!Caller.Of(context).MayUseVai)
                throw new VaiUsageException(Refusal.NoVai.Code, Refusal.NoVai.Message);
            await handler(context).ConfigureAwait(false);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be told.
            if (!context.Response.HasStarted)
                context.Response.StatusCode = ClientClosedRequest;
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            var error = new WireError("usage", nameof(VaiError.InvalidOption), e.Message);
            await ApiJson.WriteAsync(context, error, WireJson.Default.WireError, e.StatusCode).ConfigureAwait(false);
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            await ApiJson.WriteAsync(context, WireErrors.From(e), WireJson.Default.WireError, StatusOf(e)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            EventWriter.Write(context.Response.BodyWriter, new WireUpdate(Error: WireErrors.From(e)), WireJson.Default.WireUpdate);
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
    };

    public static int StatusOf(Exception e) => e switch
    {
        VaiException v => v.Code switch
        {
            VaiError.UnknownModel or VaiError.ModelNotLoaded or VaiError.UnknownSession or VaiError.FileNotFound => StatusCodes.Status404NotFound,
            VaiError.NotAllowed => StatusCodes.Status403Forbidden,
            VaiError.SessionBusy or VaiError.ModelInUse or VaiError.ModelAlreadyLoaded => StatusCodes.Status409Conflict,
            VaiError.SramFull or VaiError.Overloaded => StatusCodes.Status429TooManyRequests,
            VaiError.ModelQuarantined or VaiError.DaemonUnavailable or VaiError.EngineLost => StatusCodes.Status503ServiceUnavailable,
            VaiError.RequestQuarantined => StatusCodes.Status422UnprocessableEntity,
            VaiError.DeadlineExceeded => StatusCodes.Status504GatewayTimeout,
            _ => v switch
            {
                VaiUsageException => StatusCodes.Status400BadRequest,
                VaiModelException => StatusCodes.Status422UnprocessableEntity,
                _ => StatusCodes.Status500InternalServerError,
            },
        },
        ArgumentException => StatusCodes.Status400BadRequest,
        OperationCanceledException or ObjectDisposedException => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };
}
