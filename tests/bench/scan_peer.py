#!/usr/bin/python3
"""Nearest earlier neighbours by FAISS: IndexFlatIP, as a service that answers entry by entry does.

    scan_peer.py one VECTORS N DIM THREADS [NEIGHBOURS]   search (k = 2) and add, one by one
    scan_peer.py batch VECTORS N DIM THREADS              add all, search all (later ones too)

VECTORS and NEIGHBOURS are what bench_scan writes. Prints `seconds WALL cpu CPU`; with NEIGHBOURS
also `differ N worst X`: rows whose neighbours are other ones with other scores, and the largest
difference between scores.

Debian's python3-faiss and python3-numpy (hence the path in the first line).
"""
import os
import sys
import time

threads = int(sys.argv[5])
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(threads)

import faiss
import numpy as np

SCORE_TOLERANCE = 1e-5


def one_by_one(x):
    index = faiss.IndexFlatIP(x.shape[1])
    scores, rows = np.empty((len(x), 2), np.float32), np.empty((len(x), 2), np.int64)
    for i in range(len(x)):
        row = x[i:i + 1]
        scores[i:i + 1], rows[i:i + 1] = index.search(row, 2)
        index.add(row)
    return scores, rows


def in_batch(x):
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(x)
    return index.search(x, 3)


def compare(scores, rows, path):
    ours = np.fromfile(path, np.dtype([("score", "<f4"), ("row", "<u4")])).reshape(scores.shape)
    found = rows >= 0
    if not (found == (ours["row"] != 0xFFFFFFFF)).all():
        raise SystemExit("not the same rows have neighbours")
    delta = np.abs(np.where(found, scores - ours["score"], 0))
    other = found & (rows != ours["row"].astype(np.int64))
    # Which of two nearly equal neighbours comes first may hang on the last bits.
    differ = (other & (delta > SCORE_TOLERANCE)).any(axis=1).sum()
    print(f"differ {differ} worst {delta.max():.2e}")


def main():
    how, path, n, dim = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    x = np.fromfile(path, np.float32).reshape(n, dim)
    faiss.omp_set_num_threads(threads)
    wall, cpu = time.perf_counter(), time.process_time()
    scores, rows = one_by_one(x) if how == "one" else in_batch(x)
    print(f"seconds {time.perf_counter() - wall:.4f} cpu {time.process_time() - cpu:.4f}")
    if len(sys.argv) > 6:
        compare(scores, rows, sys.argv[6])


if __name__ == "__main__":
    main()
