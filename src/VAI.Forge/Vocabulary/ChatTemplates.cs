namespace VAI.Forge.Vocabulary;

/// <summary>Short chat templates; llama.cpp knows them by the markers in them.</summary>
internal static class ChatTemplates
{
    public const string Start = "<|im_start|>";

    public const string End = "<|im_end|>";

    public const string ChatMl =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
        + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    public const string Gemma =
        "{{ bos_token }}{% for message in messages %}"
        + "{% if message['role'] == 'assistant' %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}"
        + "{{ '<start_of_turn>' + role + '\\n' + message['content'] + '<end_of_turn>\\n' }}"
        + "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}";

    public const string DeepSeekCoder =
        "{{ bos_token }}{% for message in messages %}"
        + "{% if message['role'] == 'user' %}{{ '### Instruction:\\n' + message['content'] + '\\n' }}"
        + "{% elif message['role'] == 'assistant' %}{{ '### Response:\\n' + message['content'] + '\\n<|EOT|>\\n' }}"
        + "{% else %}{{ message['content'] + '\\n' }}{% endif %}"
        + "{% endfor %}{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}";
}
