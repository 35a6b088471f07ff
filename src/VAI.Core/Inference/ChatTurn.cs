namespace VAI;

/// <summary>A turn of a conversation.</summary>
/// <param name="Role">Who speaks: <c>system</c>, <c>user</c>, <c>assistant</c>, or what else the model's template knows.</param>
/// <param name="Content">What is said.</param>
public sealed record ChatTurn(string Role, string Content);
