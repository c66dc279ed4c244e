#!/usr/bin/python3
"""Evaluation as re-identification code bases do it in numpy, with dense matrices: distances of all queries and
gallery entries, argsort of every row, then AP and CMC query by query; or k-reciprocal re-ranking after the
program that Zhong et al. gave out with their paper (CVPR 2017), and the same evaluation.

    ranking_peer.py QUERIES GALLERY DIM THREADS K1,K2,LAMBDA|- VECTORS APS [TIMES]

VECTORS and APS are what bench_ranking writes. Prints `seconds WALL cpu CPU`, times TIMES where named (for a
larger n than is measured), and `differ N worst X`: queries whose AP differs by more than 1e-6, and the largest
difference.

Debian's python3-numpy (hence the path in the first line).
"""
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = sys.argv[4]

import numpy as np

PERSON_ENTRIES = 26


def rerank(x, n_queries, k1, k2, lambda_):
    n = len(x)
    distance = 2 - 2 * (x @ x.T)
    distance /= distance.max(axis=1, keepdims=True)
    rank = np.argsort(distance, axis=1).astype(np.int32)
    weight = np.zeros_like(distance)
    half = int(np.around(k1 / 2))
    for i in range(n):
        forward = rank[i, :k1 + 1]
        own = forward[np.where(rank[forward, :k1 + 1] == i)[0]]
        members = own
        for j in own:
            candidates = rank[j, :half + 1]
            candidates = candidates[np.where(rank[candidates, :half + 1] == j)[0]]
            if len(np.intersect1d(candidates, own)) > 2 / 3 * len(candidates):
                members = np.append(members, candidates)
        members = np.unique(members)
        e = np.exp(-distance[i, members])
        weight[i, members] = e / e.sum()
    distance = distance[:n_queries]
    if k2 > 1:
        mean = np.zeros_like(weight)
        for i in range(n):
            mean[i] = weight[rank[i, :k2]].mean(axis=0)
        weight = mean
    held = [np.where(weight[:, i] != 0)[0] for i in range(n)]
    jaccard = np.zeros_like(distance)
    for i in range(n_queries):
        common = np.zeros(n, np.float32)
        for c in np.where(weight[i] != 0)[0]:
            common[held[c]] += np.minimum(weight[i, c], weight[held[c], c])
        jaccard[i] = 1 - common / (2 - common)
    return (jaccard * (1 - lambda_) + distance * lambda_)[:, n_queries:]


def evaluate(distance, query, gallery):
    order = np.argsort(distance, axis=1)
    matches = gallery[order] == query[:, None]
    ap, cmc = np.full(len(query), np.nan), np.zeros(distance.shape[1])
    for q, hits in enumerate(matches):
        n = hits.sum()
        if n == 0:
            continue
        found = hits.cumsum()
        ap[q] = (found / np.arange(1, len(hits) + 1) * hits).sum() / n
        cmc += found > 0
    return ap, cmc / len(query)


def main():
    n_queries, n_gallery, dim = map(int, sys.argv[1:4])
    n, times = n_queries + n_gallery, float(sys.argv[8]) if len(sys.argv) > 8 else 1
    x = np.fromfile(sys.argv[6], np.float32).reshape(n, dim)
    person = np.arange(n) % (n // PERSON_ENTRIES + 1)
    wall, cpu = time.perf_counter(), time.process_time()
    if sys.argv[5] == "-":
        distance = 2 - 2 * (x[:n_queries] @ x[n_queries:].T)
    else:
        k1, k2, lambda_ = sys.argv[5].split(",")
        distance = rerank(x, n_queries, int(k1), int(k2), float(lambda_))
    ap, _ = evaluate(distance, person[:n_queries], person[n_queries:])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"seconds {wall * times:.4f} cpu {cpu * times:.4f}")
    delta = np.abs(ap - np.fromfile(sys.argv[7], np.float64))
    print(f"differ {(delta > 1e-6).sum()} worst {np.nanmax(delta):.1e}")


if __name__ == "__main__":
    main()
