#!/usr/bin/python3
"""The figures of rid-eval search from the store itself, by numpy with dense matrices in double.

    search_oracle.py GT STORE REPORT PER_QUERY [QUERY_IDS]

How it was done (within, exclude_same, rerank) is taken from REPORT. A positive whose score is within 1e-6 of
others may stand before or behind them: ranks and AP have to be between the two. Prints nothing where all agree,
else what differs. Debian's python3-numpy and python3-h5py.
"""
import csv
import json
import sys

import h5py
import numpy as np

CLOSE = 1e-6
UNLABELLED = -1


def reciprocal(rank, i, k):
    forward = rank[i, :k + 1]
    return forward[(rank[forward, :k + 1] == i).any(axis=1)]


def rerank(emb, k1, k2, lambda_):
    """1 − new distances, as Zhong et al. (CVPR 2017) compute them."""
    distance = np.stack([((emb - row) ** 2).sum(axis=1) for row in emb])
    distance /= distance.max(axis=1, keepdims=True)
    rank = np.argsort(distance, axis=1, kind="stable")
    weight = np.zeros_like(distance)
    for i in range(len(emb)):
        own = members = reciprocal(rank, i, k1)
        for j in own:
            candidates = reciprocal(rank, j, int(np.around(k1 / 2)))
            if len(np.intersect1d(candidates, own)) > 2 / 3 * len(candidates):
                members = np.append(members, candidates)
        members = np.unique(members)
        e = np.exp(-distance[i, members])
        weight[i, members] = e / e.sum()
    if k2 > 1:
        weight = np.stack([weight[rank[i, :k2]].mean(axis=0) for i in range(len(emb))])
    common = np.empty_like(distance)
    for i, row in enumerate(weight):
        held = np.flatnonzero(row)
        common[i] = np.minimum(row[held], weight[:, held]).sum(axis=1)
    return (1 - lambda_) * common / (2 - common) + lambda_ * (1 - distance)


def scores_of(report, emb, group, part):
    how = report["rerank"]
    score = emb @ emb.T
    for g in np.unique(group[part]) if how else ():
        rows = np.flatnonzero(part & (group == g))
        score[np.ix_(rows, rows)] = rerank(emb[rows], how["k1"], how["k2"], how["lambda"])
    return score


def rank_one(score, positive, n_positives):
    """Rank of the first positive, AP, precision at the last."""
    place = np.flatnonzero(positive[np.argsort(-score, kind="stable")]) + 1
    precision = np.arange(1, len(place) + 1) / place
    if n_positives == 0:
        return 0, np.nan, np.nan
    return (place[0] if len(place) else 0, precision.sum() / n_positives,
            precision[-1] if len(place) == n_positives else 0.0)


def read(gt, store, report, ids):
    with open(gt) as f:
        gt = json.load(f)
    with h5py.File(store) as f:
        entry = {k: [x.decode() for x in f["entry"][k][:]] for k in ("id", "day_id", "store_id", "camera")}
        emb, usable = f["entry/embedding"][:].astype(np.float64), f["entry/status"][:] != 1
    number = {p: i for i, p in enumerate(sorted(set(gt.values())))}
    person = np.array([number[gt[i]] if i in gt else UNLABELLED for i in entry["id"]])
    group = np.zeros(len(emb), int)
    if report["within"] == "bucket":
        names = list(zip(entry["day_id"], entry["store_id"]))
        group = np.array([sorted(set(names)).index(n) for n in names])
    camera = np.array([f"{s}\n{c}" if c else "" for s, c in zip(entry["store_id"], entry["camera"])])
    query = gallery = person != UNLABELLED
    if ids:
        with open(ids) as f:
            wanted = set(f.read().split())
        query = np.array([i in wanted for i in entry["id"]]) & query
        gallery = gallery & ~query
    return entry["id"], emb, usable, person, group, camera, query, gallery


def between(what, got, low, high, tolerance=1e-9):
    if got is None:
        if not (np.isnan(low) and np.isnan(high)):
            print(f"{what} is null, expected {low}")
    elif not low - tolerance <= got <= high + tolerance:
        print(f"{what} is {got}, expected {low} … {high}")


def number_of(text):
    return float(text) if text else None


def check_pooled(report, score, truth, searches):
    """auc, eer, dprime, tar by sorting all scores; fnir by trying every threshold."""
    order = np.argsort(-score, kind="stable")
    score, truth = score[order], truth[order]
    last = np.append(score[1:] != score[:-1], True)
    tp, fp = np.append(0, np.cumsum(truth)[last]), np.append(0, np.cumsum(~truth)[last])
    tpr, fpr = tp / max(tp[-1], 1), fp / max(fp[-1], 1)
    between("auc", report["auc"], *2 * [((fpr[1:] - fpr[:-1]) * (tpr[1:] + tpr[:-1]) / 2).sum()], 1e-5)
    at = np.argmax(fpr >= 1 - tpr)
    over = fpr - 1 + tpr
    part = -over[at - 1] / (over[at] - over[at - 1])
    between("eer", report["eer"], *2 * [fpr[at - 1] + part * (fpr[at] - fpr[at - 1])], 1e-5)
    same, other = score[truth], score[~truth]
    apart = (same.mean() - other.mean()) / np.sqrt((same.var() + other.var()) / 2)
    between("dprime", report["dprime"], apart, apart, 1e-4)
    for k in range(1, 5):
        tar = tpr[fpr <= 10.0 ** -k].max()
        between(f"tar_far_1e{k}", report[f"tar_far_1e{k}"], tar, tar, 2 / len(same))
    mated = [(p, f) for p, n, f, n_positives in searches if n_positives]
    negative = np.sort([n for _, n, _, _ in searches])
    for k in range(1, 4):
        bars = [n for n in negative if (negative > n).mean() <= 10.0 ** -k]
        bar = min(bars) if (negative >= min(bars)).mean() > 10.0 ** -k else -np.inf
        fnir = np.mean([f != 1 or p <= bar for p, f in mated])
        between(f"fnir_fpir_1e{k}", report[f"fnir_fpir_1e{k}"], fnir, fnir, 2 / len(mated))


def main():
    gt, store, report_path, per_query, *ids = sys.argv[1:]
    with open(report_path) as f:
        report = json.load(f)
    with open(per_query, newline="") as f:
        rows = {r["entry_id"]: r for r in csv.DictReader(f)}
    id_, emb, usable, person, group, camera, query, gallery = read(gt, store, report, ids and ids[0])
    score = scores_of(report, emb, group, usable & (person != UNLABELLED))
    everyone, limits, pooled, searches = np.arange(len(emb)), [], [], []
    for q in everyone[query]:
        seen = gallery & (group == group[q]) & (everyone != q)
        if report["exclude_same"] == "camera" and camera[q]:
            seen &= (person != person[q]) | (camera != camera[q])
        positive, found = person == person[q], seen & usable & usable[q]
        n_positives, s, truth = (seen & positive).sum(), score[q, found], positive[found]
        low, plain, high = (rank_one(s + shift * truth, truth, n_positives)
                            for shift in (-CLOSE, 0, CLOSE))
        row = rows.pop(id_[q])
        between(f"{id_[q]}: positives", int(row["positives"]), n_positives, n_positives)
        between(f"{id_[q]}: first_rank", number_of(row["first_rank"] or "0"), high[0], low[0])
        between(f"{id_[q]}: ap", number_of(row["ap"]), low[1], high[1])
        between(f"{id_[q]}: inp", number_of(row["inp"]), low[2], high[2])
        best = [s[which].max(initial=-np.inf) for which in (truth, ~truth)]
        for name, value in zip(("best_positive", "best_negative"), best):
            got = number_of(row[name])
            between(f"{id_[q]}: {name}", -np.inf if got is None else got, value, value, CLOSE)
        if n_positives:
            limits.append((low, high))
        pooled.append((s, truth))
        searches.append((*best, plain[0], n_positives))
    if rows:
        print(f"queries that are none: {len(rows)}")
    between("queries", report["queries"], len(limits), len(limits))
    for name, of in (("map", lambda x: x[1]), ("minp", lambda x: x[2]),
                     *((f"rank{r}", lambda x, r=r: 1 <= x[0] <= r) for r in (1, 5, 10))):
        between(name, report[name], *(np.mean([of(pair[i]) for pair in limits]) for i in (0, 1)))
    for r, got in enumerate(report["cmc"], 1):
        between(f"cmc at {r}", got, *(np.mean([1 <= pair[i][0] <= r for pair in limits]) for i in (0, 1)))
    check_pooled(report, *(np.concatenate(x) for x in zip(*pooled)), searches)


if __name__ == "__main__":
    main()
