#!/usr/bin/python3
"""Checks every traced step of a training in plain PyTorch, in float64.

    check_trace.py TRACE STORE.h5 GT.json --distance euclidean|cosine --loss hinge|soft --margin X

For every params-N.pt of TRACE: embeds the entries of step N from the frames that steps.jsonl names (of
STORE, with its attributes), forms the batch-hard triplet loss by its definition, lets autograd
differentiate, and compares: the loss to 1e-5, each gradient to 1e-4 of that tensor's largest entry (at
least 1e-7 of the largest of all). Then AdamW: params-(N+1) must be what one step from params-N with
these gradients gives. Knows nothing of rid but the formats. Written from the model's definition.
"""
import argparse
import glob
import json
import math
import os

import h5py
import numpy as np
import torch


def linear(w, name, x):
    bias = w.get(name + ".bias")
    return x @ w[name + ".weight"].T + (0 if bias is None else bias)


def embed(c, w, x, attr):
    if c["fusion_mode"] == "xattn":
        vis, second = linear(w, "vis_proj_in", x), linear(w, "attr_proj_in", attr)
        q, k, v = linear(w, "q_attr", second), linear(w, "k_vis", vis), linear(w, "v_vis", vis)
        h = torch.cat([torch.softmax(k @ q / math.sqrt(len(q)), 0) @ v, second])
    else:
        pooled = x.mean(0)
        if c["use_attention"]:
            q, k = linear(w, "vis_pool.q", x[0]), linear(w, "vis_pool.k", x)
            pooled = torch.softmax(k @ q / math.sqrt(len(q)), 0) @ linear(w, "vis_pool.v", x)
        h = torch.cat([torch.relu(linear(w, "vis_proj", pooled)), torch.relu(linear(w, "attr_proj", attr))])
    z = linear(w, "fuse.3", torch.relu(linear(w, "fuse.0", h)))
    return z / z.norm()


def loss_of(embs, ids, people, a):
    def d(i, j):
        if a.distance == "cosine":
            return 1 - embs[i] @ embs[j]
        return ((embs[i] - embs[j]) ** 2).sum().clamp(min=1e-12).sqrt()
    terms = []
    for i in range(len(ids)):
        positives = [d(i, j) for j in range(len(ids)) if people[j] == people[i] and ids[j] != ids[i]]
        negatives = [d(i, j) for j in range(len(ids)) if people[j] != people[i]]
        if positives:
            x = max(positives) - min(negatives)
            terms.append(torch.nn.functional.softplus(x) if a.loss == "soft" else torch.relu(x + a.margin))
    return sum(terms) / len(terms)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("trace"), p.add_argument("store"), p.add_argument("gt")
    p.add_argument("--distance", default="euclidean"), p.add_argument("--loss", default="hinge")
    p.add_argument("--margin", type=float, default=0.3)
    p.add_argument("--weight-decay", type=float, default=1e-4)
    a = p.parse_args()
    gt = json.load(open(a.gt))
    f = h5py.File(a.store, "r")
    rows = {i.decode(): n for n, i in enumerate(f["entry/id"])}
    offset, vectors, attrs = f["frame/offset"][:], f["frame/vector"][:].astype(np.float64), f["entry/attr"][:]
    steps = [json.loads(line) for line in open(os.path.join(a.trace, "steps.jsonl"))]
    n = len(glob.glob(os.path.join(a.trace, "params-*.pt")))
    assert n >= 3, "too few steps to check"
    moments, losses = {}, []
    for s, step in enumerate(steps[:n]):
        load = lambda kind, i=s: torch.load(os.path.join(a.trace, "%s-%06d.pt" % (kind, i)))
        c, found = load("params"), load("grads")["state_dict"]
        w = {k: v.double().requires_grad_() for k, v in c["state_dict"].items()}
        embs = []
        for entry, places in zip(step["entry_ids"], step["frames"]):
            row = rows[entry]
            assert places == sorted(set(places)) and 0 < len(places)
            assert places[-1] < offset[row + 1] - offset[row]
            x = vectors[offset[row] + np.array(places)]
            x /= np.linalg.norm(x, axis=1, keepdims=True)
            embs.append(embed(c, w, torch.from_numpy(x), torch.from_numpy(attrs[row]).double()))
        loss = loss_of(embs, step["entry_ids"], [gt[e] for e in step["entry_ids"]], a)
        loss.backward()
        losses.append(loss.item())
        assert abs(loss.item() - step["loss"]) <= 1e-5, (s, loss.item(), step["loss"])
        largest = max(v.grad.abs().max().item() for v in w.values() if v.grad is not None)
        assert set(found) == set(w)
        for k, v in w.items():
            want = v.grad if v.grad is not None else torch.zeros_like(v)
            limit = max(1e-4 * want.abs().max().item(), 1e-7 * largest)
            off = (found[k].double() - want).abs().max().item()
            if k == "vis_pool.k.bias":
                assert found[k].abs().max() == 0, (s, k)
            else:
                assert off <= limit, (s, k, off, limit)
        if s + 1 == n:
            break
        after = load("params", s + 1)["state_dict"]
        for k, g in found.items(): # Loshchilov and Hutter 2019; beta 0.9 and 0.999, eps 1e-8
            g = g.double()
            m, v = moments.get(k, (torch.zeros_like(g), torch.zeros_like(g)))
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            moments[k] = m, v
            old, t = w[k].detach(), s + 1
            decayed = old * (1 - step["lr"] * (0 if k.endswith("bias") else a.weight_decay))
            want = decayed - step["lr"] * (m / (1 - 0.9 ** t)) / ((v / (1 - 0.999 ** t)).sqrt() + 1e-8)
            off = (after[k].double() - want).abs().max().item()
            # A float32 rounding of the weight, and of a step of about lr.
            assert off <= 1e-6 * max(1, want.abs().max().item()), (s, k, off)
    assert max(losses) > 0.01, "no step with a loss to speak of"
    print("%d steps agree, loss %.4f to %.4f" % (n, losses[0], losses[-1]))


if __name__ == "__main__":
    main()
