namespace VAI.Native.Abi;

/// <summary>One place where libllama was looked for.</summary>
/// <param name="Source">Why it was looked for there: <c>option</c>, <c>VAI_LLAMA_DIR</c>, <c>application</c> ...</param>
/// <param name="Path">The directory, or the bare name given to the system's loader.</param>
/// <param name="Outcome">What was found.</param>
internal sealed record ProbedPath(string Source, string Path, string Outcome);
