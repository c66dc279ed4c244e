#!/usr/bin/python3
"""Training steps of the same model in PyTorch eager: keys and values are formed, as written.

    step_peer.py STEPS THREADS

P = 32 people, K = 4 entries of 10 frames, 1024-d, attention, 16 attributes; batch-hard triplet loss,
AdamW. Prints `seconds WALL cpu CPU` of STEPS steps after a few to warm up.

Debian's python3-torch (hence the path in the first line).
"""
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional

PEOPLE, ENTRIES, FRAMES, VIS, ATTR, EMB = 32, 4, 10, 1024, 16, 128
WARM_UP = 5


class AttentionPool(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, x, mask):  # (n, frames, dim), (n, frames)
        q, k, v = self.q(x[:, :1]), self.k(x), self.v(x)
        logits = (q @ k.transpose(1, 2)).squeeze(1) / math.sqrt(q.shape[2])
        weights = torch.softmax(logits.masked_fill(~mask, -math.inf), dim=1)
        return (weights.unsqueeze(1) @ v).squeeze(1)


class Baseline(nn.Module):
    def __init__(self):
        super().__init__()
        self.vis_pool = AttentionPool(VIS)
        self.vis_proj, self.attr_proj = nn.Linear(VIS, EMB), nn.Linear(ATTR, EMB)
        self.fuse = nn.Sequential(nn.Linear(2 * EMB, EMB), nn.ReLU(), nn.Dropout(0.0),
                                  nn.Linear(EMB, EMB))

    def forward(self, x, mask, attr):
        vis = torch.relu(self.vis_proj(self.vis_pool(x, mask)))
        h = torch.cat([vis, torch.relu(self.attr_proj(attr))], dim=1)
        return functional.normalize(self.fuse(h))


def batch_hard(emb, same, itself, margin):
    d = torch.cdist(emb, emb)
    positive = d.masked_fill(~same | itself, -1).max(dim=1).values
    negative = d.masked_fill(same, math.inf).min(dim=1).values
    return torch.relu(positive - negative + margin).mean()


def main():
    steps, threads = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    n = PEOPLE * ENTRIES
    x = functional.normalize(torch.randn(n, FRAMES, VIS), dim=2)
    mask, attr = torch.ones(n, FRAMES, dtype=torch.bool), torch.rand(n, ATTR)
    person = torch.arange(PEOPLE).repeat_interleave(ENTRIES)
    same, itself = person[:, None] == person[None], torch.eye(n, dtype=torch.bool)
    model = Baseline()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=1e-4)
    for i in range(-WARM_UP, steps):
        if i == 0:
            wall, cpu = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        batch_hard(model(x, mask, attr), same, itself, 0.3).backward()
        optimizer.step()
    print(f"seconds {time.perf_counter() - wall:.4f} cpu {time.process_time() - cpu:.4f}")


if __name__ == "__main__":
    main()
