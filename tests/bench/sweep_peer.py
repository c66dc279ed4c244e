#!/usr/bin/python3
"""A sweep as a script does it: for every cell the bucket is replayed entry by entry, by FAISS
IndexFlatIP (search k = 2, decide, add) under `neighbor`, by numpy products under `identity`, which
needs the best entry of another person; then pairs are counted from the contingency table.

    sweep_peer.py neighbor|identity VECTORS PERSONS CELLS N DIM SIDE THREADS MEASURED

VECTORS, PERSONS and CELLS are what bench_sweep writes. MEASURED cells, spread over the grid, are
replayed, and checked against CELLS. Prints `seconds WALL cpu CPU`, extrapolated to all SIDE x SIDE
cells, and `measured N differ M`: cells with other counts. A score near a threshold may come out
otherwise by its last bits.

Debian's python3-faiss and python3-numpy (hence the path in the first line).
"""
import os
import sys
import time

threads = int(sys.argv[8])
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(threads)

import faiss
import numpy as np


def replay_neighbor(x, threshold, margin):
    index = faiss.IndexFlatIP(x.shape[1])
    label = np.arange(len(x))
    for i in range(len(x)):
        row = x[i:i + 1]
        scores, rows = index.search(row, 2)
        nn1, nn2 = float(scores[0, 0]), float(scores[0, 1]) if rows[0, 1] >= 0 else -1.0
        if rows[0, 0] >= 0 and nn1 >= threshold and nn1 - nn2 >= margin:
            label[i] = label[rows[0, 0]]
        index.add(row)
    return label


def replay_identity(x, threshold, margin):
    label = np.arange(len(x))
    for i in range(1, len(x)):
        scores = x[:i] @ x[i]
        best = int(scores.argmax())
        other = scores[label[:i] != label[best]]
        nn1, nn2 = float(scores[best]), float(other.max()) if len(other) else -1.0
        if nn1 >= threshold and nn1 - nn2 >= margin:
            label[i] = label[best]
    return label


def pairs(counts):
    return int((counts * (counts - 1) // 2).sum())


def count(label, person):
    both = np.unique(np.stack([label, person]), axis=1, return_counts=True)[1]
    predicted = np.unique(label, return_counts=True)[1]
    return pairs(both), pairs(predicted), len(predicted)


def main():
    how, n, dim, side, measured = sys.argv[1], *map(int, sys.argv[5:8]), int(sys.argv[9])
    x = np.fromfile(sys.argv[2], np.float32).reshape(n, dim)
    person = np.fromfile(sys.argv[3], np.uint32).astype(np.int64)
    cells = np.fromfile(sys.argv[4], np.float64).reshape(side * side, -1)
    faiss.omp_set_num_threads(threads)
    replay = replay_neighbor if how == "neighbor" else replay_identity
    chosen = [(2 * k + 1) * side * side // (2 * measured) for k in range(measured)]
    wall, cpu = time.perf_counter(), time.process_time()
    found = [count(replay(x, *cells[c, :2]), person) for c in chosen]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    times = side * side / measured
    print(f"seconds {wall * times:.4f} cpu {cpu * times:.4f}")
    differ = sum(tuple(cells[c, 2:5].astype(int)) != f for c, f in zip(chosen, found))
    print(f"measured {measured} differ {differ}")


if __name__ == "__main__":
    main()
