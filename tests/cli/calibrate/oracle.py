#!/usr/bin/python3
"""A calibrated point from the scores in manifests (made with --nn2 neighbor) and SciPy: which threshold is
taken, what is counted there, and the bound.

    oracle.py GT POINT MANIFESTS

Prints nothing where the point agrees, else what differs.
"""
import json
import pathlib
import sys

import numpy as np
from scipy import stats


def read_bucket(document, gt):
    """First visits: (score, lead over the second, joined somebody it could); all entries in order."""
    events = [e for p in document["people"] for e in p["events"]]
    events.sort(key=lambda e: (e["timestamp"], e["entry_id"]))
    seen, first, mated = set(), [], []
    for e in events:
        person = gt.get(e["entry_id"])
        if person is None:
            continue
        score = -2.0 if e["score"] is None else float(np.float32(e["score"]))
        lead = 0.0 if e["score"] is None else score - float(np.float32(e["score2"]))
        if person in seen:
            mated.append(e["entry_id"])
        else:
            first.append((score, lead, person))
        seen.add(person)
    return first, len(mated), sum(e["status"] != "skip" for e in events)


def choose(matched, sizes, people, max_fpir, confidence, future):
    """matched (buckets, thresholds), strict to loose. Returns (threshold, bound, bucket effect, effect)."""
    n, b = sizes.sum(), len(sizes)
    larger = (sizes ** 2).sum() / n
    rates = matched.sum(0) / n
    effects = np.ones(matched.shape[1])
    if future and b > 1:
        usual = (n - larger) / (b - 1)
        ratio = (stats.t.ppf(confidence, b - 1) / stats.norm.ppf(confidence)) ** 2
        for k, rate in enumerate(rates):
            x2 = 0 if rate in (0, 1) else (((matched[:, k] - sizes * rate) ** 2)
                                           / (sizes * rate * (1 - rate))).sum()
            alike = min((max(x2 / (b - 1), 1) * ratio - 1) / (usual - 1), 1)
            effects[k] = 1 + (larger - 1) * alike
    own = effects.copy()
    for k in range(len(effects)):
        last = k
        while last + 1 < len(rates) and rates[last] < min(2 * max_fpir, 0.5):
            last += 1
        effects[k] = own[k:last + 1].max()
    taken = None
    for k in range(len(effects)):
        effect = people + effects[k] - 1
        x = rates[k] * n
        bound = stats.beta.ppf(confidence, x / effect + 1, (n - x) / effect)
        if bound > max_fpir:
            break
        taken = k, bound, effects[k], effect
    return taken


def main():
    gt, point = (json.loads(pathlib.Path(p).read_text()) for p in sys.argv[1:3])
    documents = [json.loads(p.read_text()) for p in sorted(pathlib.Path(sys.argv[3]).rglob("*.json"))]
    buckets = [read_bucket(d, gt) for d in documents]
    stores = [d["store_id"] for d, b in zip(documents, buckets) if b[0]]
    thresholds = [round(1 - 0.005 * i, 3) for i in range(201)]
    buckets = [b for b in buckets if b[0]]
    matched = np.array([[sum(s >= t and lead >= point["margin"] for s, lead, _ in first)
                         for t in thresholds] for first, _, _ in buckets], dtype=float)
    sizes = np.array([len(first) for first, _, _ in buckets], dtype=float)
    clusters = matched, sizes
    if point["clusters"] == "store":
        names = sorted(set(stores))
        clusters = (np.array([matched[[s == name for s in stores]].sum(0) for name in names]),
                    np.array([sizes[[s == name for s in stores]].sum() for name in names]))
    times = {}
    for first, _, _ in buckets:
        for _, _, person in first:
            times[person] = times.get(person, 0) + 1
    people = sum(m * m for m in times.values()) / sum(times.values())
    k, bound, effect, design = choose(*clusters, people, point["max_fpir"], point["confidence"],
                                      point["scope"] == "future")
    expected = {"threshold": thresholds[k], "fpir_bound": bound, "bucket_effect": effect,
                "person_effect": people, "design_effect": design, "searches": sizes.sum(),
                "false_matches": matched[:, k].sum() - point["to_unlabelled"], "persons": len(times),
                "mated": sum(m for _, m, _ in buckets), "buckets": len(buckets),
                "gallery_min": min(g for _, _, g in buckets),
                "gallery_max": max(g for _, _, g in buckets)}
    for name, value in expected.items():
        if abs(point[name] - value) > 1e-9 * max(1, abs(value)):
            print(f"{name} is {point[name]}, expected {value}")


if __name__ == "__main__":
    main()
