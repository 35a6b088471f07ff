using System.Globalization;
using System.Text.Json;
using VAI.OptionRules;
using VAI.Text.Chat;
using VAI.Text.Jinja;
using VAI.Text.Jinja.Builtins;
using VAI.Text.Jinja.Values;
using VAI.Text.Tools;
using VAI.Text.Tools.Formats;

namespace VAI;

/// <summary>
/// A chat template: a text in Jinja, as models' files and Hugging Face's tokenizers have it, that makes a prompt of a conversation. Its meaning is that
/// of Jinja2 3.1 in an immutable sandbox. Parsed once, immutable, thread-safe.
/// </summary>
/// <remarks>
/// A template comes from whoever made the model's file, so it has bounds: 1 MiB of source, 64 statements within each other, a million steps and some for
/// each value that it is given, texts of four times the conversation and 1 MiB, 8 MiB at most. Beyond them it ends with an error.
/// </remarks>
public sealed class ChatTemplate
{
    // What no text of a conversation has: the end of words that are to be continued.
    private const string EndMark = "\uE0F0\uE0F1vai-end\uE0F1\uE0F0";

    private readonly Template _template;
    private readonly Lazy<(ChatTemplateTraits Traits, TemplateForm Form)> _probed;

    private ChatTemplate(Template template, string bosToken, string eosToken)
    {
        _template = template;
        (BosToken, EosToken) = (bosToken, eosToken);
        _probed = new(() => ChatProbes.Run(template, bosToken, eosToken));
    }

    /// <summary>ChatML, for models without a template of their own.</summary>
    public static string ChatMl =>
        "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endfor %}"
        + "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

    /// <summary>The text.</summary>
    public string Source => _template.Source;

    /// <summary>What it has as <c>bos_token</c>.</summary>
    public string BosToken { get; }

    /// <summary>What it has as <c>eos_token</c>.</summary>
    public string EosToken { get; }

    /// <summary>What it can take. Found out when it is first asked for, in some milliseconds.</summary>
    public ChatTemplateTraits Traits => _probed.Value.Traits;

    /// <summary>Reads a template.</summary>
    /// <param name="text">At most 1 MiB.</param>
    /// <param name="bosToken">The text of the token that begins a sequence; empty for none.</param>
    /// <param name="eosToken">The text of the token that ends a sequence; empty for none.</param>
    /// <exception cref="VaiUsageException"><see cref="VaiError.InvalidChatTemplate"/>, naming the line.</exception>
    public static ChatTemplate Parse(string text, string bosToken = "", string eosToken = "")
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(bosToken);
        ArgumentNullException.ThrowIfNull(eosToken);
        return Public(() => new ChatTemplate(Template.Parse(text), bosToken, eosToken));
    }

    /// <summary>The prompt of a conversation. What the template would not take as it is, is brought into a form that it takes.</summary>
    /// <param name="turns">1 to 4,096 turns, oldest first.</param>
    /// <param name="options">Null for the defaults. <see cref="ChatRenderOptions.Template"/> says nothing here: this is the template.</param>
    /// <exception cref="VaiUsageException">
    /// <see cref="VaiError.ConversationRejected"/>: the template says why; <see cref="VaiError.InvalidChatTemplate"/>: it fails, or does more than one may;
    /// <see cref="VaiError.InvalidOption"/>; <see cref="VaiError.NotSupported"/>: an image, or words that it cannot continue.
    /// </exception>
    public ChatPrompt Render(IReadOnlyList<ChatTurn> turns, ChatRenderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(turns);
        options ??= new ChatRenderOptions();
        if (options.Tools?.Any(t => t.ValueKind == JsonValueKind.Undefined) == true)
            throw OptionCheck.Invalid("A tool of the conversation is an element of no JSON. Give each as OpenAI's API has it.");
        (ChatTemplateTraits traits, TemplateForm form) = _probed.Value;
        List<ChatMessage> messages = ChatMessage.From(turns);
        if (options.ContinueFinalTurn)
            CheckContinued(messages[^1]);
        (messages, List<string> done) = ChatRepairs.Apply(messages, traits);
        ToolFormat? format = options.Tools is { Count: > 0 } ? ToolFormats.Find(Source) : null;
        if (options.Tools is { Count: > 0 } offered && (format is null || !traits.Tools))
        {
            format = ToolFormats.Generic;
            if (!traits.Tools)
            {
                messages = ToolNotice.Add(messages, offered, traits);
                done.Add("the tools stand in the system's turn, as the template writes none");
            }
        }

        return Public(() =>
        {
            Value text;
            try
            {
                text = Render(messages, form, options);
            }
            catch (TemplateError) when (!traits.RepeatedRoles && ChatRepairs.Alternating(messages) is { } alternating)
            {
                done.Add("turns of one role in a row are one, as the template refuses them");
                text = Render(alternating, form, options);
            }

            ChatPrompt prompt = Prompt(text, done, traits.Reasoning, format);

            // Words that go on are the answer, from the first space on.
            return options.ContinueFinalTurn && !prompt.BeginsInReasoning ? prompt.WithoutReasoning() : prompt;
        });
    }

    /// <summary>What the template writes when it is given these names, and nothing else: no form is changed for it.</summary>
    /// <param name="context">An object: <c>messages</c>, <c>add_generation_prompt</c> and what else the template reads.</param>
    /// <param name="time">What the template has as the time; null for now.</param>
    /// <exception cref="VaiUsageException">As the other overload.</exception>
    public ChatPrompt Render(JsonElement context, DateTimeOffset? time = null)
    {
        if (context.ValueKind != JsonValueKind.Object)
            throw OptionCheck.Invalid("What a template is given is an object of names and their values.");
        ContextSize size = default;
        var names = new ValueDict(16);
        names.Set("bos_token", BosToken);
        names.Set("eos_token", EosToken);
        foreach (JsonProperty name in context.EnumerateObject())
        {
            // These are the template's own words, whoever says them.
            Value value = JsonValues.Read(name.Value, ref size);
            names.Set(name.Name, value.IsText && name.Name is "bos_token" or "eos_token" ? value.String : value);
        }

        return Public(() => Prompt(_template.Render(names, size, Clock(time)), [], null));
    }

    private Value Render(List<ChatMessage> messages, TemplateForm form, ChatRenderOptions options)
    {
        var context = new ChatContext(form);
        TimeProvider clock = Clock(options.Time);
        DateTimeOffset now = clock.GetLocalNow();
        context.Set("bos_token", BosToken);
        context.Set("eos_token", EosToken);
        context.Set("add_generation_prompt", options.AddGenerationPrompt && !options.ContinueFinalTurn);
        context.Set("date_string", now.ToString("dd MMM yyyy", CultureInfo.InvariantCulture));
        context.Set("datetime", now.ToString("MMM dd yyyy HH:mm:ss", CultureInfo.InvariantCulture) + " GMT");
        if (options.ContinueFinalTurn)
            messages = [.. messages[..^1], messages[^1] with { Text = messages[^1].Text + EndMark }];
        context.SetMessages(messages);
        if (options.Tools is { Count: > 0 } tools)
            context.SetTools(tools);
        if (options.EnableThinking is { } thinking)
            context.Set("enable_thinking", thinking);
        if (options.ReasoningEffort is { } effort)
            context.Set("reasoning_effort", Value.Text(effort, callers: true));
        foreach ((string name, JsonElement value) in options.TemplateArguments ?? new Dictionary<string, JsonElement>())
            context.Set(name, value);
        Value text = _template.Render(context.Names, context.Size, clock);
        if (!options.ContinueFinalTurn)
            return text;
        int end = text.String.LastIndexOf(EndMark, StringComparison.Ordinal);
        return end >= 0 ? text.Part(0, end) : throw new VaiUsageException(
            VaiError.NotSupported, "The chat template does not write the assistant's last words as they are, so that they cannot be continued. End with a user's turn.");
    }

    private static void CheckContinued(ChatMessage last)
    {
        if (last.Role != ChatMessage.Assistant)
            throw OptionCheck.Invalid($"The conversation ends with a turn of '{last.Role}'; only an assistant's can be continued.");
        if (last.Calls.Count > 0)
            throw OptionCheck.Invalid("The conversation ends with calls of tools, which cannot be continued. Send their results.");
    }

    private static ChatPrompt Prompt(Value text, List<string> done, ReasoningFormat? reasoning, ToolFormat? format = null) =>
        new(text.String, text.Mixed?.Flips ?? (text.IsCallers && text.String.Length > 0 ? [0] : []))
        {
            Repairs = done,
            Reasoning = reasoning,
            ToolFormat = format,
            BeginsInReasoning = reasoning is not null && IsOpen(text, reasoning),
        };

    // The template has written the opening mark, and nothing behind it.
    private static bool IsOpen(Value text, ReasoningFormat reasoning)
    {
        string all = text.String.TrimEnd(), open = reasoning.Open.TrimEnd();
        return all.EndsWith(open, StringComparison.Ordinal) && text.Part(all.Length - open.Length, open.Length) is { IsCallers: false, Mixed: null };
    }

    private static TimeProvider Clock(DateTimeOffset? time) => time is { } fixedTime ? new FixedTime(fixedTime) : TimeProvider.System;

    // What a template's error is to whoever gave it a conversation.
    private static T Public<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (TemplateError e)
        {
            throw e.IsRefusal
                ? new VaiUsageException(VaiError.ConversationRejected, $"The chat template refuses the conversation: {e.What}", e)
                : new VaiUsageException(VaiError.InvalidChatTemplate, $"The chat template fails in line {e.Line}: {e.What}.", e);
        }
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone { get; } = TimeZoneInfo.CreateCustomTimeZone("given", now.Offset, null, null);

        public override DateTimeOffset GetUtcNow() => now.ToUniversalTime();
    }
}
