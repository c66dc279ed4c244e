#!/usr/bin/python3
"""The figures of rid-eval manifest --json from the documents themselves: every pair and every search one
by one, scikit-learn where it is there.

    manifest_oracle.py GT REPORT MANIFESTS [ERRORS]

Prints nothing where all agree (1e-9), else what differs.
"""
import csv
import datetime
import itertools
import json
import math
import pathlib
import sys
from collections import Counter, defaultdict

try:
    from sklearn import metrics
except ImportError:
    metrics = None


def ratio(part, whole, without=None):
    return part / whole if whole else without


def harmonic(a, b):
    return None if a is None or b is None else 2 * a * b / (a + b) if a + b else 0


class Bucket:
    """Events in matching order, with the true and the predicted person of each."""

    def __init__(self, document, gt):
        events = [dict(e, person=p["person_id"]) for p in document["people"] for e in p["events"]]
        events.sort(key=lambda e: (time_of(e) is not None, time_of(e) or 0, e["entry_id"].encode()))
        self.name = (document["day_id"], document["store_id"])
        self.all = events
        for e in events:
            e["true"] = gt.get(e["entry_id"])
        self.events = [e for e in events if e["true"] is not None]
        seen, labels = {}, {}
        for e in self.events:
            e["before"] = seen.get(e["true"])
            seen[e["true"]] = e
            joined = labels.get(e["match_id"]) if e["status"] == "match" else None
            labels[e["entry_id"]] = e["true"]
            e["end"] = ("none" if e["status"] != "match" else "unlabelled" if joined is None
                        else "same" if joined == e["true"] else "other")
        self.pairs = [(a["true"] == b["true"], a["person"] == b["person"],
                       tuple(sorted([a["camera"] or "", b["camera"] or ""])))
                      for a, b in itertools.combinations(self.events, 2)]
        for e in self.events:
            same = [x for x in self.events if x["true"] == e["true"]]
            together = [x for x in same if x["person"] == e["person"]]
            size = sum(x["person"] == e["person"] for x in self.events)
            e["visits"], e["p"], e["r"] = len(same), len(together) / size, len(together) / len(same)
            e["exact"] = len(same) == len(together) == size


def time_of(e):
    if e["timestamp"] is None:
        return None
    return datetime.datetime.fromisoformat(e["timestamp"].replace("Z", "+00:00")).timestamp()


def searches(events):
    mated = [e for e in events if e["before"]]
    other = [e for e in events if e["end"] == "other"]
    out = {"mated": len(mated), "nonmated": len(events) - len(mated),
           "hits": sum(e["end"] == "same" for e in events),
           "wrong_matches": sum(e["before"] is not None for e in other),
           "false_matches": sum(e["before"] is None for e in other),
           "to_unlabelled": sum(e["end"] == "unlabelled" for e in events)}
    out["fnir"] = None if not mated else 1 - out["hits"] / len(mated)
    out["fpir"] = ratio(out["false_matches"], out["nonmated"])
    return out


def pairwise(pairs):
    true, predicted = sum(p[0] for p in pairs), sum(p[1] for p in pairs)
    hits = sum(p[0] and p[1] for p in pairs)
    return {"pairwise_precision": ratio(hits, predicted, 1), "pairwise_recall": ratio(hits, true, 1),
            "pairwise_f1": ratio(2 * hits, true + predicted, 1)}


def bcubed(events):
    p = ratio(sum(e["p"] for e in events), len(events))
    r = ratio(sum(e["r"] for e in events), len(events))
    return {"bcubed_precision": p, "bcubed_recall": r, "bcubed_f1": harmonic(p, r)}


def figures(buckets):
    events = [e for b in buckets for e in b.events]
    out = {"persons": sum(len({e["person"] for e in b.events}) for b in buckets),
           "true_persons": sum(len({e["true"] for e in b.events}) for b in buckets)}
    out["persons_error"] = out["persons"] - out["true_persons"]
    out.update(pairwise([p for b in buckets for p in b.pairs]))
    out.update(bcubed(events))
    out.update(searches(events))
    if metrics and len(buckets) == 1 and events:
        t, p = [e["true"] for e in events], [e["person"] for e in events]
        out["v_measure"] = metrics.v_measure_score(t, p)
        out["homogeneity"], out["completeness"] = metrics.homogeneity_score(t, p), metrics.completeness_score(t, p)
        out["ari"] = metrics.adjusted_rand_score(t, p)
    return out


def by_cameras(buckets):
    out = defaultdict(lambda: {"true_pairs": 0, "predicted_pairs": 0, "hit_pairs": 0})
    pairs, mated = defaultdict(list), defaultdict(list)
    for b in buckets:
        for p in b.pairs:
            pairs[p[2]].append(p)
        for e in b.events:
            if e["before"]:
                mated[tuple(sorted([e["camera"] or "", e["before"]["camera"] or ""]))].append(e)
    for key, listed in pairs.items():
        if not any(p[0] or p[1] for p in listed):
            continue
        s = searches(mated[key])
        out[key] = {"true_pairs": sum(p[0] for p in listed), "predicted_pairs": sum(p[1] for p in listed),
                    "hit_pairs": sum(p[0] and p[1] for p in listed), **pairwise(listed),
                    **{k: s[k] for k in ("mated", "hits", "wrong_matches", "fnir")}}
    return out


def visit_group(n):
    return str(n) if n < 5 else "5-9" if n < 10 else "10 or more"


def gap_group(e):
    a, b = time_of(e["before"]), time_of(e)
    if a is None or b is None:
        return "undated"
    minutes = (b - a) / 60
    for limit, name in ((1, "under 1 min"), (10, "1-10 min"), (60, "10-60 min"), (240, "1-4 h")):
        if minutes < limit:
            return name
    return "over 4 h"


def errors(buckets):
    merges = splits = 0
    for b in buckets:
        pairs = {(e["true"], e["person"]) for e in b.events}
        splits += sum(n - 1 for n in Counter(t for t, _ in pairs).values())
        merges += sum(n - 1 for n in Counter(p for _, p in pairs).values())
    return {"false_merges": merges, "splits": splits}


def compare(what, found, expected):
    for key, value in expected.items():
        got = found.get(key, "missing")
        if (value is None) != (got is None) or (value is not None and
                                                 (got == "missing" or math.fabs(got - value) > 1e-9)):
            print(f"{what}: {key} is {got}, expected {value}")


def check_errors(path, buckets, expected):
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    at = {e["entry_id"]: (b, e) for b in buckets for e in b.events}
    for kind, n in (("false_merge", expected["false_merges"]), ("split", expected["splits"])):
        if sum(r["kind"] == kind for r in rows) != n:
            print(f"{path}: other than {n} of {kind}")
    for r in rows:
        bucket, a = at[r["entry_id_a"]]
        b = at[r["entry_id_b"]][1]
        with_a = [e for e in bucket.events if e["person"] == a["person"] and e["true"] == a["true"]]
        good = (a["true"] == b["true"] and a["person"] != b["person"] if r["kind"] == "split" else
                a["true"] != b["true"] and a["person"] == b["person"])
        good &= with_a[0] is a and len(with_a) == int(r["entries"]) and r["pid_a"] == a["true"]
        good &= bucket.events.index(b) < bucket.events.index(a)
        if not good:
            print(f"{path}: {r}")


def main():
    gt, report, folder = sys.argv[1:4]
    gt = json.loads(pathlib.Path(gt).read_text())
    buckets = sorted((Bucket(json.loads(p.read_text()), gt) for p in pathlib.Path(folder).rglob("*.json")),
                     key=lambda b: b.name)
    found = json.loads(pathlib.Path(report).read_text())
    labelled = [e for b in buckets for e in b.events]
    n = sum(len(b.all) for b in buckets)
    compare("all", found, {"buckets": len(buckets), "entries": n, "labelled": len(labelled),
                           "unlabelled": n - len(labelled),
                           "skipped": sum(e["status"] == "skip" for b in buckets for e in b.all),
                           **figures(buckets), **errors(buckets)})
    for b, row in zip(buckets, found["by_bucket"], strict=True):
        compare(b.name, row, figures([b]))
    cameras = by_cameras(buckets)
    if sorted(cameras) != [(r["camera_a"], r["camera_b"]) for r in found["by_cameras"]]:
        print("other cameras, or in another order")
    for row in found["by_cameras"]:
        compare("cameras", row, cameras[row["camera_a"], row["camera_b"]])
    for row in found["by_visits"]:
        events = [e for e in labelled if visit_group(e["visits"]) == row["visits"]]
        first = [e for e in events if not e["before"]]
        compare(row["visits"], row, {"people": len(first), "exact": sum(e["exact"] for e in first),
                                     "entries": len(events), **bcubed(events), **searches(events)})
    for row in found["by_gap"]:
        s = searches([e for e in labelled if e["before"] and gap_group(e) == row["gap"]])
        compare(row["gap"], row, {k: s[k] for k in ("mated", "hits", "wrong_matches", "fnir")})
    if sum(r["mated"] for r in found["by_gap"]) != found["mated"]:
        print("gaps do not add up")
    if len(sys.argv) > 4:
        check_errors(sys.argv[4], buckets, errors(buckets))


if __name__ == "__main__":
    main()
