using Microsoft.AspNetCore.Builder;
using VAI.Daemon.Hosting.Configuration;
using VAI.Sram;

namespace VAI.Daemon.Access;

/// <summary>Tags what a request opens by who asks: how long an answer takes, and <c>cached_tokens</c>, would tell what others have asked.</summary>
internal static class PrefixSharing
{
    public static IApplicationBuilder UsePrefixSharing(this IApplicationBuilder app, SharePrefixes sharing) => sharing == SharePrefixes.All
        ? app
        : app.Use(next => context =>
        {
            PrefixTag.Current = sharing == SharePrefixes.Key ? Caller.Of(context).Owner : Guid.NewGuid().ToString("N");
            return next(context);
        });
}
