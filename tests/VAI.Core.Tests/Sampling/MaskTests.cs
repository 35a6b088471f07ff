using System.Text;
using VAI.Native.Llama;
using VAI.Sessions;
using VAI.Sessions.Sampling;
using VAI.Text;

namespace VAI.Core.Tests.Sampling;

/// <summary>A constraint of a real vocabulary on a real model: numbers of three digits, a comma after each.</summary>
public sealed class MaskTests(ForgedModels models) : EngineTest(models)
{
    [Fact]
    public void What_is_generated_holds_to_the_mask_however_often_it_is_rolled_back()
    {
        using var model = LlamaModel.Load(Models["tiny"], new LlamaModelSettings());
        using var context = new LlamaContext(model, new LlamaContextSettings { Cells = 256, BatchSize = 8, MicroBatchSize = 8, MaxSequences = 1, Threads = 1 });
        using var pool = new LlamaThreadpool(1);
        context.Attach(pool);
        var options = new InferenceOptions { Temperature = 1.5f, PresencePenalty = 0.5f };
        var pieces = new TokenPieces(model.Vocab, special: false);
        List<int> log = [1, 5, 9];
        var mask = new Numbers(model.Vocab, log.Count);
        TokenSampler sampler = SamplerFactory.Create(options, 11, model.Vocab.Count, mask);
        var random = new Random(5);
        int computed = 0;
        while (log.Count < 100)
        {
            float[] logits = Decode();
            int token = sampler.Next(logits, log.ToArray());
            Assert.Equal(SamplerFactory.Create(options, 11, model.Vocab.Count, new Numbers(model.Vocab, 3)).Next(logits, log.ToArray()), token);
            log.Add(token);
            if (random.Next(4) > 0)
                continue;
            int back = Math.Max(4, log.Count - random.Next(5));
            log.RemoveRange(back, log.Count - back);
            sampler.Rewind(back);
            context.Truncate(0, computed = Math.Min(computed, back - 1));
        }

        string text = string.Concat(log.Skip(3).Select(t => Encoding.UTF8.GetString(pieces.Of(t))));
        Assert.Matches("^([0-9]{3},)+[0-9]{0,3}$", text);

        float[] Decode()
        {
            context.Batch.Clear();
            for (; computed < log.Count; computed++)
                context.Batch.Add(log[computed], computed, 0, logits: computed == log.Count - 1);
            Assert.Equal(DecodeStatus.Ok, context.Decode());
            return context.Logits(context.Batch.Count - 1).ToArray();
        }
    }

    private sealed class Numbers : ITokenMask
    {
        private readonly LlamaVocab _vocab;
        private readonly int _start;
        private readonly ulong[] _allowed;
        private readonly string[] _texts;

        // Characters of the number after each entry.
        private readonly List<int> _states = [0];

        public Numbers(LlamaVocab vocab, int start)
        {
            (_vocab, _start) = (vocab, start);
            _allowed = new ulong[(vocab.Count + 63) / 64];
            var pieces = new TokenPieces(vocab, special: false);
            _texts = [.. Enumerable.Range(0, vocab.Count).Select(t => Encoding.UTF8.GetString(pieces.Of(t)))];
        }

        public ReadOnlySpan<ulong> After(ReadOnlySpan<int> log)
        {
            Rewind(log.Length);
            for (int at = _start + _states.Count - 1; at < log.Length; at++)
                _states.Add(Step(_states[^1], _texts[log[at]]));
            Array.Clear(_allowed);
            for (int token = 0; token < _vocab.Count; token++)
            {
                if (_texts[token].Length > 0 && Step(_states[^1], _texts[token]) >= 0)
                    _allowed[token / 64] |= 1ul << (token % 64);
            }

            return _allowed;
        }

        public void Rewind(int length)
        {
            int states = Math.Max(length - _start, 0) + 1;
            if (states < _states.Count)
                _states.RemoveRange(states, _states.Count - states);
        }

        private static int Step(int state, string text)
        {
            foreach (char c in text)
            {
                if (state < 0)
                    return state;
                state = state < 3 ? char.IsAsciiDigit(c) ? state + 1 : -1 : c == ',' ? 0 : -1;
            }

            return state;
        }
    }
}
