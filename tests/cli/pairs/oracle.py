#!/usr/bin/python3
"""Hard pairs by looking at every pair of entries, with NumPy.

    oracle.py GT STORE PAIRS POS_MAX NEG_MIN ALIAS_MIN NEAREST PER_PERSON MAX [REVIEWED]

Prints nothing where PAIRS holds exactly the rows expected, in that order, else the first difference.
Scores are summed as the kernels do, from the first number to the last in float32: fused where the
processor can (a double holds the product of two floats exactly, so that the sum is rounded once more
at most), in two steps where it cannot.
"""
import csv
import json
import sys

import h5py
import numpy as np

HEAD = ("entry_id_a,entry_id_b,pid_a,pid_b,same_pid,sim,risk_type,store_a,store_b,day_a,day_b,camera_a,"
        "camera_b,ts_a,ts_b,image_a,image_b").split(",")
RISKS = ["alias_candidate", "hard_neg", "hard_pos"]


def scores(emb):
    with open("/proc/cpuinfo") as f:
        fused = " fma " in f.read()
    total = emb[:, 0][:, None] * emb[:, 0][None, :]
    for k in range(1, emb.shape[1]):
        product = emb[:, k].astype(np.float64)[:, None] * emb[:, k].astype(np.float64)[None, :]
        if not fused:
            product = product.astype(np.float32).astype(np.float64)
        total = (total.astype(np.float64) + product).astype(np.float32)
    return total


def read(store, gt):
    """The labelled entries that have an embedding, by day, store, time, id."""
    with h5py.File(store, "r") as f:
        text = {k: f["entry/" + k].asstr()[:] for k in ("id", "day_id", "store_id", "camera", "timestamp")}
        at, emb = f["entry/timestamp_us"][:], f["entry/embedding"][:]
        skip = f["entry/status"][:] == 1
        first = [f["images/entry_offset"][:], f["images/offset"][:]]
        images = bytes(f["images/bytes"][:])
    entries = []
    for i in range(len(at)):
        if skip[i] or text["id"][i] not in gt:
            continue
        lo, hi = int(first[0][i]), int(first[0][i + 1])
        image = images[int(first[1][lo]):int(first[1][lo + 1])].decode() if lo < hi else ""
        entries.append({k: v[i] for k, v in text.items()} | {"at": int(at[i]), "image": image, "emb": emb[i],
                                                            "person": gt[text["id"][i]]})
    entries.sort(key=lambda e: (e["day_id"], e["store_id"], e["at"], e["id"].encode()))
    return entries


def candidates(entries, sim, pos_max, neg_min, alias_min, nearest):
    n = len(entries)
    person = np.array([e["person"] for e in entries])
    near = np.zeros((n, n), bool)
    for a in range(n):
        others = [b for b in np.argsort(-sim[a], kind="stable") if person[b] != person[a]]
        near[a, others[:nearest]] = True
    for a in range(n):
        for b in range(a + 1, n):
            s = float(sim[a, b])
            if person[a] == person[b]:
                if s <= pos_max:
                    yield "hard_pos", s, a, b
            elif s >= neg_min and (near[a, b] or near[b, a]):
                x, y = entries[a], entries[b]
                alias = x["store_id"] == y["store_id"] and x["day_id"] != y["day_id"] and s >= alias_min
                yield "alias_candidate" if alias else "hard_neg", s, a, b


def rank(pairs, entries, risk, per_person):
    count, out = {}, []
    for p in sorted((p for p in pairs if p[0] == risk),
                    key=lambda p: (p[1] if risk == "hard_pos" else -p[1], p[2], p[3])):
        people = {entries[p[2]]["person"], entries[p[3]]["person"]}
        if all(count.get(q, 0) < per_person for q in people):
            for q in people:
                count[q] = count.get(q, 0) + 1
            out.append(p)
    return out


def row(p, entries):
    risk, s, a, b = p
    out = [entries[a]["id"], entries[b]["id"], entries[a]["person"], entries[b]["person"],
           str(int(risk == "hard_pos")), s, risk]
    for k in ("store_id", "day_id", "camera", "timestamp", "image"):
        out += [entries[a][k], entries[b][k]]
    return out


def main():
    gt, store, found = sys.argv[1:4]
    pos_max, neg_min, alias_min = map(float, sys.argv[4:7])
    nearest, per_person, most = map(int, sys.argv[7:10])
    with open(gt) as f:
        entries = read(store, json.load(f))
    known = set()
    for path in sys.argv[10:]:
        with open(path, newline="") as f:
            known |= {frozenset(r[:2]) for r in csv.reader(f)}
    sim = scores(np.array([e["emb"] for e in entries]))
    pairs = [p for p in candidates(entries, sim, pos_max, neg_min, alias_min, nearest)
             if frozenset((entries[p[2]]["id"], entries[p[3]]["id"])) not in known]
    ranked = [rank(pairs, entries, r, per_person) for r in RISKS]
    turns = [r[i] for i in range(max(map(len, ranked))) for r in ranked if i < len(r)]
    expected = [row(p, entries) for p in turns[:most]]
    with open(found, newline="") as f:
        rows = list(csv.reader(f))
    if rows[0] != HEAD:
        raise SystemExit(f"header: {rows[0]}")
    rows = [r[:5] + [float(np.float32(r[5]))] + r[6:] for r in rows[1:]]
    for i, (x, y) in enumerate(zip(rows, expected)):
        if x != y:
            raise SystemExit(f"row {i + 1}: {x}, expected {y}")
    if len(rows) != len(expected):
        raise SystemExit(f"{len(rows)} rows, expected {len(expected)}")


if __name__ == "__main__":
    main()
