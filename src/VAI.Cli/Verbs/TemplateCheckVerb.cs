namespace VAI.Cli.Verbs;

/// <summary>Says what will go wrong with a model's chat template, before a conversation does.</summary>
internal static class TemplateCheckVerb
{
    private static readonly Argument<string> Model = Common.File("MODEL", "A GGUF file, or a file with a chat template (Jinja) alone.");

    public static Command Create()
    {
        var command = new Command("check", "Say what a model's chat template can take, and what will be done where it cannot. Ends with 1 where it takes nothing.") { Model };
        command.Does((parsed, _) =>
        {
            ChatTemplate template = TemplateVerb.Read(parsed.GetRequiredValue(Model), null, out bool own);
            ChatTemplateTraits traits = template.Traits;
            List<string> warnings = [.. Warnings(traits, own, template)];
            if (parsed.GetValue(Common.Json))
            {
                Documents.Print(new TemplateCheckDocument(own, traits, warnings), Documents.Default.TemplateCheckDocument);
            }
            else
            {
                Format.Rows([.. Rows(traits)]);
                foreach (string warning in warnings)
                    Console.Out.WriteLine($"! {warning}");
            }

            return Task.FromResult(traits.Renders ? Failure.Ok : 1);
        });
        return command;
    }

    /// <summary>What the probes found, for people.</summary>
    public static IEnumerable<(string Label, object? Value)> Rows(ChatTemplateTraits t) =>
    [
        ("renders", Say(t.Renders)),
        ("system", t.SystemRole ? t.SystemAnywhere ? "yes, anywhere" : "yes, first" : "no"),
        ("content", t.TextContent ? t.TypedContent ? "text, typed parts" : "text" : t.TypedContent ? "typed parts" : "none"),
        ("tools", t.Tools ? t.ToolCalls ? t.ToolResults ? "yes, with calls and results" : "yes, with calls" : "yes, without calls" : "no"),
        ("arguments", t.ToolCalls ? t.ObjectArguments ? "as objects" : "as text" : null),
        ("thoughts", t.Reasoning is { } r ? $"{r.Open.Trim()} {r.Close.Trim()}{(t.ReasoningHistory ? ", written" : ", not written")}" : "no marks"),
        ("thinking", t.ThinkingSwitch || t.ReasoningEffort
            ? string.Join(", ", new[] { t.ThinkingSwitch ? "enable_thinking" : null, t.ReasoningEffort ? "reasoning_effort" : null }.Where(w => w is not null)) : null),
        ("generation", Say(t.GenerationPrompt)),
    ];

    private static IEnumerable<string> Warnings(ChatTemplateTraits t, bool own, ChatTemplate template)
    {
        if (!own)
            yield return "The file has no chat template: ChatML is used, which the model may not know.";
        if (!t.Renders)
        {
            yield return "It takes no conversation: give the model another with --chat-template.";
            yield break;
        }

        if (!t.SystemRole)
            yield return "It writes no system's turn: the system's text stands before the first user's.";
        else if (!t.SystemAnywhere)
            yield return "It takes one system's turn, the first: several become one.";
        if (t.Tools && !t.ToolCalls)
            yield return "It writes tools, and no calls of them: a history's calls stand in the assistant's text.";
        if (!t.GenerationPrompt)
            yield return "It does not begin the assistant's turn: the model may begin another.";
        if (!t.RepeatedRoles)
            yield return "It refuses two turns of one role in a row: they become one.";
        if (t.Reasoning is not null && !t.ReasoningHistory)
            yield return "It writes no thoughts of earlier turns: what was thought is computed anew, without them, after each answer.";
        if (template.Source.Contains("strftime_now", StringComparison.Ordinal))
            yield return "It writes the time: prompts of another day share nothing behind it.";
    }

    private static string Say(bool yes) => yes ? "yes" : "no";
}
