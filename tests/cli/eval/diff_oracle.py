#!/usr/bin/python3
"""The figures of rid-eval diff --json from the documents of both sides: persons as sets, decisions one by one,
and the intervals by drawing people anew (within 0.03: other draws).

    diff_oracle.py GT REPORT A B

Prints nothing where all agree, else what differs.
"""
import itertools
import json
import pathlib
import random
import sys
from collections import defaultdict

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


def person_sums(side, gt, ids):
    """Per true person: hits, predicted, true pairs, entries, B-cubed P and R, mated, nonmated, found, false."""
    out = defaultdict(lambda: [0.0] * 10)
    seen = set()
    order = sorted(ids, key=lambda i: (side[i]["timestamp"] is not None, side[i]["timestamp"] or "", i.encode()))
    labelled, common = [i for i in order if i in gt], set(ids)
    for i, j in itertools.combinations(labelled, 2):
        a, b = side[i], side[j]
        if a["bucket"] != b["bucket"]:
            continue
        same, said = gt[i] == gt[j], a["person"] == b["person"]
        out[gt[i]][0] += same and said
        out[gt[i]][2] += same
        out[gt[i]][1] += said / 2
        out[gt[j]][1] += said / 2
    for i in labelled:
        e, s = side[i], out[gt[i]]
        bucket = [x for x in labelled if side[x]["bucket"] == e["bucket"]]
        mates = [x for x in bucket if gt[x] == gt[i]]
        together = sum(side[x]["person"] == e["person"] for x in mates)
        s[3] += 1
        s[4] += together / sum(side[x]["person"] == e["person"] for x in bucket)
        s[5] += together / len(mates)
        mated = (gt[i], e["bucket"]) in seen
        seen.add((gt[i], e["bucket"]))
        s[6 if mated else 7] += 1
        joined = gt.get(e["match_id"]) if e["status"] == "match" and e["match_id"] in common else None
        s[8] += joined == gt[i]
        s[9] += joined is not None and joined != gt[i] and not mated
    return out


def figures(s):
    p, r = (s[4] / s[3], s[5] / s[3]) if s[3] else (None, None)
    return dict(zip(NAMES, (s[0] / s[1] if s[1] else 1, s[0] / s[2] if s[2] else 1,
                            2 * s[0] / (s[1] + s[2]) if s[1] + s[2] else 1, p, r, 2 * p * r / (p + r),
                            1 - s[8] / s[6] if s[6] else None, s[9] / s[7] if s[7] else None)))


def add(rows):
    return [sum(c) for c in zip(*rows)]


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
    sums_a, sums_b = person_sums(a, gt, common), person_sums(b, gt, common)
    own_a, own_b = figures(add(sums_a.values())), figures(add(sums_b.values()))
    for name in NAMES:
        expected |= {f"a_{name}": own_a[name], f"b_{name}": own_b[name], f"delta_{name}": own_b[name] - own_a[name]}
    for key, value in expected.items():
        if abs(found[key] - value) > 1e-9:
            print(f"{key} is {found[key]}, expected {value}")
    people, rng = sorted(sums_a), random.Random(1)
    deltas = {name: [] for name in NAMES}
    for _ in range(3000):
        drawn = rng.choices(people, k=len(people))
        x, y = figures(add(sums_a[p] for p in drawn)), figures(add(sums_b[p] for p in drawn))
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
