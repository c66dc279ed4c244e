#!/usr/bin/python3
"""The figures of rid-eval diff --json from the documents of both sides: persons as sets, decisions one by one,
and the intervals by drawing people anew (within 0.03: other draws). A pair of two people is there as often as
both of them meet.

    diff_oracle.py GT REPORT A B

Prints nothing where all agree, else what differs.
"""
import itertools
import json
import pathlib
import random
import sys
from collections import Counter, defaultdict

NAMES = ("pairwise_precision", "pairwise_recall", "pairwise_f1", "bcubed_precision", "bcubed_recall",
         "bcubed_f1", "fnir", "fpir")


def read(folder):
    """entry_id → its event, with bucket and person."""
    out = {}
    for path in pathlib.Path(folder).rglob("*.json"):
        d = json.loads(path.read_text())
        for p in d["people"]:
            for e in p["events"]:
                out[e["entry_id"]] = dict(e, bucket=(d["day_id"], d["store_id"]), person=p["person_id"])
    return out


def persons(side, ids):
    out = defaultdict(set)
    for i in ids:
        out[side[i]["bucket"], side[i]["person"]].add(i)
    return {frozenset(s) for s in out.values()}


class Side:
    """What the figures of a side are made of, person by person, for drawing people."""

    def __init__(self, side, gt, ids):
        """hit, true pairs, entries, B-cubed R, mated, nonmated, found, false: of each true person."""
        self.sums = defaultdict(lambda: [0.0] * 8)
        self.false_pairs = Counter()   # of two people
        self.clusters = defaultdict(Counter)  # entries of each person
        seen = set()
        order = sorted(ids, key=lambda i: (side[i]["timestamp"] is not None, side[i]["timestamp"] or "", i.encode()))
        labelled, common = [i for i in order if i in gt], set(ids)
        for i, j in itertools.combinations(labelled, 2):
            a, b = side[i], side[j]
            if a["bucket"] != b["bucket"]:
                continue
            same, said = gt[i] == gt[j], a["person"] == b["person"]
            self.sums[gt[i]][0] += same and said
            self.sums[gt[i]][1] += same
            if said and not same:
                self.false_pairs[gt[i], gt[j]] += 1
        for i in labelled:
            e, s = side[i], self.sums[gt[i]]
            mates = [x for x in labelled if side[x]["bucket"] == e["bucket"] and gt[x] == gt[i]]
            self.clusters[e["bucket"], e["person"]][gt[i]] += 1
            s[2] += 1
            s[3] += sum(side[x]["person"] == e["person"] for x in mates) / len(mates)
            mated = (gt[i], e["bucket"]) in seen
            seen.add((gt[i], e["bucket"]))
            s[4 if mated else 5] += 1
            joined = gt.get(e["match_id"]) if e["status"] == "match" and e["match_id"] in common else None
            s[6] += joined == gt[i]
            s[7] += joined is not None and joined != gt[i] and not mated

    def figures(self, weight):
        """weight: how often each person is there."""
        hit, true, n, recall, mated, nonmated, found, false = (
            sum(weight[p] * s[k] for p, s in self.sums.items()) for k in range(8))
        said = hit + sum(weight[p] * weight[q] * n_pairs for (p, q), n_pairs in self.false_pairs.items())
        precision = 0
        for cluster in self.clusters.values():
            for p, own in cluster.items():
                others = sum(weight[q] * c for q, c in cluster.items() if q != p)
                precision += weight[p] * own * own / (own + others)
        p, r = (precision / n, recall / n) if n else (None, None)
        return dict(zip(NAMES, (hit / said if said else 1, hit / true if true else 1,
                                2 * hit / (said + true) if said + true else 1, p, r, 2 * p * r / (p + r),
                                1 - found / mated if mated else None, false / nonmated if nonmated else None)))


def quantile(x, q):
    place = q * (len(x) - 1)
    low = int(place)
    return x[low] if low + 1 == len(x) else x[low] + (place - low) * (x[low + 1] - x[low])


def main():
    gt_path, report, folder_a, folder_b = sys.argv[1:]
    gt = json.loads(pathlib.Path(gt_path).read_text())
    found = json.loads(pathlib.Path(report).read_text())
    a, b = read(folder_a), read(folder_b)
    common = sorted(set(a) & set(b))
    pa, pb = persons(a, common), persons(b, common)
    match_a, match_b = ({i for i in common if s[i]["status"] == "match"} for s in (a, b))
    expected = {"entries_a": len(a), "entries_b": len(b), "entries_common": len(common),
                "persons_a": len(pa), "persons_b": len(pb), "persons_same": len(pa & pb),
                "persons_split": sum(sum(bool(x & y) for y in pb) > 1 for x in pa),
                "persons_merged": sum(sum(bool(x & y) for y in pa) > 1 for x in pb),
                "decisions_lost": len(match_a - match_b), "decisions_gained": len(match_b - match_a)}
    side_a, side_b = Side(a, gt, common), Side(b, gt, common)
    people, rng = sorted(side_a.sums), random.Random(1)
    own_a, own_b = (s.figures(Counter(people)) for s in (side_a, side_b))
    for name in NAMES:
        expected |= {f"a_{name}": own_a[name], f"b_{name}": own_b[name], f"delta_{name}": own_b[name] - own_a[name]}
    for key, value in expected.items():
        if abs(found[key] - value) > 1e-9:
            print(f"{key} is {found[key]}, expected {value}")
    deltas = {name: [] for name in NAMES}
    for _ in range(3000):
        drawn = Counter(rng.choices(people, k=len(people)))
        x, y = side_a.figures(drawn), side_b.figures(drawn)
        for name in NAMES:
            deltas[name].append(y[name] - x[name])
    for name in NAMES:
        for q, end in ((0.025, "low"), (0.975, "high")):
            value = quantile(sorted(deltas[name]), q)
            if abs(found[f"delta_{name}_{end}"] - value) > 0.03:
                print(f"delta_{name}_{end} is {found[f'delta_{name}_{end}']}, expected about {value}")
    for key, of, other in (("splits", pa, pb), ("merges", pb, pa)):
        sizes = sorted(sorted(p["entries"] for p in c["into" if key == "splits" else "from"]) for c in found[key])
        if sizes != sorted(sorted(len(x & y) for y in other if x & y) for x in of if sum(bool(x & y) for y in other) > 1):
            print(f"{key}: other parts: {sizes}")
    changed = {d["entry_id"] for d in found["decisions"] if d["change"] != "moved"}
    if changed != match_a ^ match_b:
        print(f"other decisions: {changed ^ match_a ^ match_b}")


if __name__ == "__main__":
    main()
