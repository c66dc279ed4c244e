#!/usr/bin/python3
"""Cells of surface.csv from the manifests of the same rule: pairs one by one, scikit-learn where it
is there.

    oracle.py GT SURFACE MANIFESTS NN2 THRESHOLD MARGIN

Prints nothing where the row agrees (1e-9), else what differs.
"""
import csv
import itertools
import json
import pathlib
import sys

try:
    from sklearn import metrics
except ImportError:
    metrics = None


def clusters(folder, gt):
    """Per bucket: [(true person, predicted person)] of the labelled entries."""
    for path in sorted(pathlib.Path(folder).rglob("*.json")):
        document = json.loads(path.read_text())
        yield [(gt[e["entry_id"]], p["person_id"]) for p in document["people"]
               for e in p["events"] if e["entry_id"] in gt]


def figures(buckets):
    hits = predicted = true = persons = people = mated = 0
    precision = recall = n = 0.0
    for b in buckets:
        persons += len({p for _, p in b})
        people += len({t for t, _ in b})
        mated += len(b) - len({t for t, _ in b})
        for (t1, p1), (t2, p2) in itertools.combinations(b, 2):
            hits += t1 == t2 and p1 == p2
            predicted += p1 == p2
            true += t1 == t2
        for t, p in b:
            both = sum(x == (t, p) for x in b)
            precision += both / sum(x[1] == p for x in b)
            recall += both / sum(x[0] == t for x in b)
            n += 1
    out = {"persons": persons, "true_persons": people, "mated": mated, "nonmated": people,
           "pairwise_precision": hits / predicted if predicted else 1,
           "pairwise_recall": hits / true if true else 1,
           "pairwise_f1": 2 * hits / (predicted + true) if predicted + true else 1,
           "bcubed_precision": precision / n, "bcubed_recall": recall / n}
    if metrics and len(buckets) == 1:
        t, p = zip(*buckets[0])
        out["v_measure"] = metrics.v_measure_score(t, p)
        out["ari"] = metrics.adjusted_rand_score(t, p)
    return out


def main():
    gt, surface, folder, nn2, threshold, margin = sys.argv[1:]
    buckets = list(clusters(folder, json.loads(pathlib.Path(gt).read_text())))
    with open(surface, newline="") as f:
        rows = [r for r in csv.DictReader(f) if r["nn2"] == nn2
                and float(r["threshold"]) == float(threshold) and float(r["margin"]) == float(margin)]
    if len(rows) != 1:
        raise SystemExit(f"{len(rows)} rows of {nn2} {threshold} {margin}")
    for name, value in figures(buckets).items():
        if abs(float(rows[0][name]) - value) > 1e-9:
            print(f"{nn2} {threshold} {margin}: {name} is {rows[0][name]}, expected {value}")


if __name__ == "__main__":
    main()
