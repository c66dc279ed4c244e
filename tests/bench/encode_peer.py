#!/usr/bin/python3
"""The pipeline that rid-encode stands in for, written as one would in Python: json, numpy, PyTorch.

    encode_peer.py run --ckpt MODEL.pt [--filter on|off] [--frames] [--whole] -o OUT INPUT
    encode_peer.py compare EMBEDDINGS.npy STORE.h5

`run` reads payloads (.jsonl, one a line) or a store (.h5, by h5py), filters the frames, makes the
attribute vectors and encodes in batches of 128 with the unfolded model on one thread; writes the
embeddings (OUT.npy) or, with --frames, embeddings and frames (OUT.h5). Prints `seconds WALL cpu
CPU`: imports and loading the model are not in it, writing the result is; with --whole it prints
nothing, the caller measures. `compare` prints `count N cosine
WORST` of two sets of embeddings.

Debian's python3-torch, python3-numpy, python3-h5py (hence the path in the first line).
"""
import argparse
import json
import math
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import torch
from torch import nn

BATCH = 128
DUPLICATE_COS, OUTLIER_Z, MAX_DROP, MIN_KEEP = 0.999, -1.7, 4, 4


# ---- frames ----

def unit_rows(frames):
    norms = np.linalg.norm(frames, axis=1)
    good = norms > 1e-6
    return frames[good] / norms[good, None]


def filter_frames(units):
    """The rows of units (n, dim) that the frame filter keeps."""
    cosines = units @ units.T
    kept = np.ones(len(units), bool)
    if (np.triu(cosines, 1) >= DUPLICATE_COS).any():
        for i in range(1, len(units)):
            kept[i] = not (cosines[i, :i][kept[:i]] >= DUPLICATE_COS).any()
        units = units[kept]
    if len(units) <= MIN_KEEP:
        return units
    mean = units.mean(axis=0)
    to_mean = units @ (mean / np.linalg.norm(mean))
    z = (to_mean - to_mean.mean()) / (to_mean.std() + 1e-6)
    drop = [i for i in np.argsort(z)[:MAX_DROP] if z[i] < OUTLIER_Z]
    if not drop or len(units) - len(drop) < MIN_KEEP:
        return units
    return np.delete(units, drop, axis=0)


# ---- attributes ----

def field_vector(field, value):
    """The numbers of one field; what is missing or unknown gives zeros."""
    kind = field["type"]
    values = field.get("values", [])
    if kind == "enum":
        return [float(value == v) for v in values]
    if kind == "multilabel":
        return [float(v in (value or ())) for v in values]
    if kind == "prob_dict":
        found = [(value or {}).get(v, 0.0) for v in values]
        total = sum(found)
        return [x / total for x in found] if total > 0 else found
    if kind == "float":
        low, high = field.get("range", (0, 1))
        return [0.0 if value is None else min(max((value - low) / (high - low), 0.0), 1.0)]
    return [float(value is True)]


def attribute_vector(schema, attrs):
    return [x for f in schema["fields"] for x in field_vector(f, attrs.get(f["name"]))]


# ---- the model ----

class Encoder(nn.Module):
    """Attention pooling with the first frame as query, then the fusion of frames and attributes."""

    def __init__(self, vis_dim, attr_dim, emb_dim):
        super().__init__()
        self.vis_pool = nn.ModuleDict({name: nn.Linear(vis_dim, vis_dim) for name in "qkv"})
        self.vis_proj = nn.Linear(vis_dim, emb_dim)
        self.attr_proj = nn.Linear(attr_dim, emb_dim)
        self.fuse = nn.Sequential(nn.Linear(2 * emb_dim, emb_dim), nn.ReLU(), nn.Dropout(0.1),
                                  nn.Linear(emb_dim, emb_dim))

    def forward(self, x, mask, attr):  # (B, T, vis_dim), (B, T), (B, attr_dim) -> (B, emb_dim)
        q, k, v = self.vis_pool.q(x[:, 0]), self.vis_pool.k(x), self.vis_pool.v(x)
        logits = (k @ q.unsqueeze(2)).squeeze(2) / math.sqrt(q.shape[1])
        weights = torch.softmax(logits.masked_fill(~mask, -math.inf), dim=1)
        pooled = (weights.unsqueeze(1) @ v).squeeze(1)
        hidden = torch.cat([torch.relu(self.vis_proj(pooled)), torch.relu(self.attr_proj(attr))], 1)
        return nn.functional.normalize(self.fuse(hidden), dim=1)


def load_model(path):
    ckpt = torch.load(path)
    model = Encoder(ckpt["vis_dim"], ckpt["attr_dim"], ckpt["emb_dim"])
    model.load_state_dict(ckpt["state_dict"])
    return model.eval(), json.loads(json.loads(ckpt["rid"])["schema"])


def encode_batch(model, bursts):
    """bursts: list of (unit frames (n, dim), attribute vector); returns (B, emb_dim)."""
    longest = max(len(units) for units, _ in bursts)
    x = torch.zeros(len(bursts), longest, bursts[0][0].shape[1])
    mask = torch.zeros(len(bursts), longest, dtype=torch.bool)
    for i, (units, _) in enumerate(bursts):
        x[i, :len(units)] = torch.from_numpy(units)
        mask[i, :len(units)] = True
    attr = torch.tensor([a for _, a in bursts], dtype=torch.float32)
    with torch.no_grad():
        return model(x, mask, attr).numpy()


# ---- reading ----

def read_payloads(path, schema):
    """Yields (frames f32 (n, dim), attribute vector)."""
    with open(path, "rb") as lines:
        for line in lines:
            p = json.loads(line)
            attr = attribute_vector(schema, p.get("attrs", {}))
            yield np.array(p["embeddings"], np.float32), attr


def read_store(path, schema):
    import h5py
    with h5py.File(path, "r") as store:
        offset, vectors = store["/frame/offset"][:], store["/frame/vector"]
        attr = store["/entry/attr"]
        for first in range(0, len(attr), BATCH):
            last = min(first + BATCH, len(attr))
            start = offset[first]
            frames = vectors[start:offset[last]]
            for i, a in zip(range(first, last), attr[first:last].tolist()):
                yield frames[offset[i] - start:offset[i + 1] - start], a


def batches(bursts):
    batch = []
    for burst in bursts:
        batch.append(burst)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def run(args):
    torch.set_num_threads(1)
    model, schema = load_model(args.ckpt)
    read = read_store if args.input.endswith(".h5") else read_payloads
    if args.frames or read is read_store:
        import h5py
    wall, cpu = time.perf_counter(), time.process_time()
    embeddings = []
    out = h5py.File(args.output, "w") if args.frames else None
    if out:
        dim = model.vis_proj.in_features
        stored = out.create_dataset("/frame/vector", (0, dim), "f4", maxshape=(None, dim),
                                    chunks=(512, dim))
    for batch in batches(read(args.input, schema)):
        bursts = []
        for frames, attr in batch:
            units = unit_rows(frames)
            bursts.append((filter_frames(units) if args.filter == "on" else units, attr))
        embeddings.append(encode_batch(model, bursts))
        if out:
            rows = np.concatenate([frames for frames, _ in batch])
            stored.resize(len(stored) + len(rows), axis=0)
            stored[-len(rows):] = rows
    if out:
        out["/entry/embedding"] = np.concatenate(embeddings)
        out.close()
    else:
        np.save(args.output, np.concatenate(embeddings))
    if not args.whole:
        print(f"seconds {time.perf_counter() - wall:.4f} cpu {time.process_time() - cpu:.4f}")


def compare(args):
    import h5py
    peer = np.load(args.embeddings).astype(np.float64)
    with h5py.File(args.store, "r") as store:
        ours = store["/entry/embedding"][:].astype(np.float64)
    if peer.shape != ours.shape:
        raise SystemExit(f"shapes differ: {peer.shape} and {ours.shape}")
    print(f"count {len(ours)} cosine {(peer * ours).sum(axis=1).min():.9f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("run")
    p.add_argument("--ckpt", required=True)
    p.add_argument("--filter", choices=("on", "off"), default="on")
    p.add_argument("--frames", action="store_true")
    p.add_argument("--whole", action="store_true")
    p.add_argument("-o", "--output", required=True)
    p.add_argument("input")
    p.set_defaults(command=run)
    p = commands.add_parser("compare")
    p.add_argument("embeddings")
    p.add_argument("store")
    p.set_defaults(command=compare)
    args = parser.parse_args()
    args.command(args)


if __name__ == "__main__":
    main()
