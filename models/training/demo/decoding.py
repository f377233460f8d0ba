"""Greedy decoding for watching a run: CTC alone, and the decoder after its prompt."""

import torch

LONGEST = 70


@torch.inference_mode()
def ctc_greedy(model, encoded, counts):
    """Id lists: the best of each step, repeats merged, blanks dropped."""
    best = model.ctc_log_probs(encoded).argmax(-1)
    lists = []
    for row, count in zip(best, counts):
        ids = torch.unique_consecutive(row[:count]).tolist()
        lists.append([i for i in ids if i])
    return lists


@torch.inference_mode()
def decoder_greedy(model, encoded, counts, prompts, eos):
    """Id lists after `prompts` (equally long lists that begin with <sos>), without <eos>."""
    ids = torch.tensor(prompts)
    first, done = ids.shape[1], torch.zeros(len(ids), dtype=torch.bool)
    while not done.all() and ids.shape[1] < first + LONGEST:
        lengths = torch.full((len(ids),), ids.shape[1])
        chosen = model.decode(encoded, counts, ids, lengths)[:, -1].argmax(-1)
        chosen[done] = eos
        ids = torch.cat([ids, chosen[:, None]], 1)
        done |= chosen == eos
    rows = [row[first:].tolist() for row in ids]
    return [row[: row.index(eos)] if eos in row else row for row in rows]
