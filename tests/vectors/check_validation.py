#!/usr/bin/python3
"""The figures of a run's last validation, computed from a store: check_validation.py METRICS STORE.h5 GT VAL_GT

STORE holds the embeddings by the run's last.pt of all entries, GT the training people, VAL_GT the
validation people: their entries are the queries, all labelled entries the gallery. Plain NumPy,
independent of rid but for the formats. Prints the figures; exit 1 where one differs.
"""
import json
import sys

import h5py
import numpy as np

ROUNDING = 1e-6  # of a float32 score, where it is compared with a threshold that was one itself

# An error rate changes by a pair more or less, where two scores are one in float32 and two here.
TOLERANCE = {"val_map": 1e-6, "val_rank1": 1e-9, "val_auc": 1e-6, "val_eer": 1e-4,
             "val_f1_neighbor": 1e-9, "val_f1_identity": 1e-9}


def ranking(scores, people, query):
    aps, hits, positives, negatives = [], [], [], []
    for i in np.flatnonzero(query):
        others = np.delete(np.arange(len(people)), i)
        row, same = scores[i, others], people[others] == people[i]
        positives.append(row[same])
        negatives.append(row[~same])
        if not same.any():
            continue
        found = same[np.argsort(-row, kind="stable")]
        precision = np.cumsum(found) / np.arange(1, len(found) + 1)
        aps.append(precision[found].mean())
        hits.append(found[0])
    return np.mean(aps), np.mean(hits), np.concatenate(positives), np.concatenate(negatives)


def roc(positives, negatives):
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, "left")
    equal = np.searchsorted(ordered, positives, "right") - below
    auc = (below + equal / 2).mean() / len(negatives)
    thresholds = np.unique(np.concatenate([positives, negatives]))[::-1]
    fpr = 1 - np.searchsorted(ordered, thresholds, "left") / len(negatives)
    fnr = np.searchsorted(np.sort(positives), thresholds, "left") / len(positives)
    fpr, fnr = np.append(0, fpr), np.append(1, fnr)
    i = np.argmax(fpr >= fnr)
    gap = fnr[i - 1] - fpr[i - 1]
    share = gap / (gap + fpr[i] - fnr[i])
    return auc, fpr[i - 1] + share * (fpr[i] - fpr[i - 1])


def match(scores, order, threshold, margin, identity):
    """Query, then add: the entry that began each entry's person."""
    person = {}
    for k, i in enumerate(order):
        earlier = order[:k]
        person[i] = i
        if k == 0:
            continue
        row = scores[i, earlier]
        best = earlier[int(np.argmax(row))]
        rest = [s for s, j in zip(row, earlier) if (person[j] != person[best] if identity else j != best)]
        if row.max() >= threshold - ROUNDING and row.max() - max(rest, default=-1) >= margin - ROUNDING:
            person[i] = person[best]
    return person


def pairwise_f1(scores, buckets, people, query, *rule):
    both = predicted = truth = 0
    for order in buckets:
        person = match(scores, order, *rule)
        members = [i for i in order if query[i]]
        for a, i in enumerate(members):
            for j in members[:a]:
                both += people[i] == people[j] and person[i] == person[j]
                predicted += person[i] == person[j]
                truth += people[i] == people[j]
    return 2 * both / (predicted + truth)


def main():
    told = [json.loads(line) for line in open(sys.argv[1])][-1]
    train, val = (json.load(open(p)) for p in sys.argv[3:5])
    with h5py.File(sys.argv[2], "r") as f:
        ids = [i.decode() for i in f["entry/id"]]
        rows = [i for i, e in enumerate(ids) if e in train or e in val]
        emb = f["entry/embedding"][:].astype(np.float64)[rows]
        time, day, store = (f["entry/" + k][:][rows] for k in ("timestamp_us", "day_id", "store_id"))
    ids = [ids[i] for i in rows]
    names = [("val", val[e]) if e in val else ("train", train[e]) for e in ids]
    people = np.array([sorted(set(names)).index(n) for n in names])
    query = np.array([e in val for e in ids])
    scores = emb @ emb.T
    buckets = {}
    for i in sorted(range(len(ids)), key=lambda i: (time[i], ids[i])):
        buckets.setdefault((day[i], store[i]), []).append(i)
    expected = dict(zip(("val_map", "val_rank1"), ranking(scores, people, query)))
    expected.update(zip(("val_auc", "val_eer"), roc(*ranking(scores, people, query)[2:])))
    for mode in ("neighbor", "identity"):
        expected["val_f1_" + mode] = pairwise_f1(
            scores, buckets.values(), people, query, told["val_threshold_" + mode],
            told["val_margin_" + mode], mode == "identity")
    for name, value in expected.items():
        print(f"{name} {told[name]:.6f}, here {value:.6f}")
    wrong = [name for name, value in expected.items() if abs(told[name] - value) > TOLERANCE[name]]
    print("wrong: " + ", ".join(wrong) if wrong else "all figures agree")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
