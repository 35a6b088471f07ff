namespace VAI.Daemon.OpenAi.Requests;

/// <summary>How a request says whether and how much a model thinks: OpenAI's, llama-server's, vLLM's and Anthropic's ways of it.</summary>
/// <param name="Enabled">Whether it does; null for what its template does by itself.</param>
/// <param name="Effort">How much, in the words of its template; null for what it does by itself.</param>
/// <param name="Budget">Most tokens of thought; null for as many as it likes.</param>
/// <param name="Apart">Whether what it thinks is told from what it answers.</param>
internal sealed record ThinkingFields(bool? Enabled, string? Effort, int? Budget, bool Apart)
{
    private static readonly string[] Efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

    /// <exception cref="ApiError">400, naming the field.</exception>
    public static ThinkingFields Read(Fields fields)
    {
        bool? enabled = fields.Flag("enable_thinking") ?? fields.Flag("think");
        string? effort = EffortOf(fields.Text("reasoning_effort"), "reasoning_effort");
        if (fields.Take("reasoning") is { } reasoning)
        {
            Fields members = fields.Inner(reasoning, "reasoning");
            effort = EffortOf(members.Text("effort"), "reasoning.effort") ?? effort;
            members.End();
        }

        int? budget = BudgetOf(fields, "thinking_budget") ?? BudgetOf(fields, "thinking_budget_tokens") ?? BudgetOf(fields, "reasoning_budget");
        if (fields.Take("thinking") is { } thinking)
        {
            Fields members = fields.Inner(thinking, "thinking");
            enabled = members.Text("type") switch
            {
                null or "adaptive" or "auto" => enabled,
                "enabled" => true,
                "disabled" => false,
                _ => throw ApiError.Invalid("thinking.type", "'thinking.type' must be enabled, disabled or adaptive."),
            };
            budget = BudgetOf(members, "budget_tokens") ?? budget;
            members.End();
        }

        if (effort == "none")
            (enabled, effort) = (false, null);
        string? format = fields.Text("reasoning_format");
        if (format is not (null or "none" or "auto" or "deepseek" or "deepseek-legacy"))
            throw ApiError.Invalid("reasoning_format", "'reasoning_format' must be none, auto or deepseek.");
        return new ThinkingFields(enabled, effort, budget, format != "none");
    }

    private static string? EffortOf(string? effort, string name) => effort is null || Efforts.Contains(effort)
        ? effort : throw ApiError.Invalid(name, $"'{name}' must be one of {string.Join(", ", Efforts)}.");

    // -1 is how llama-server says that there is no limit.
    private static int? BudgetOf(Fields fields, string name) => fields.Whole(name, -1, Responses.Generation.MostTokens) is >= 0 and int budget ? budget : null;
}
