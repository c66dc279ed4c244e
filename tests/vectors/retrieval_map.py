#!/usr/bin/python3
"""Leave-one-out mAP of a store's embeddings: retrieval_map.py STORE.h5 GT.json

Every labelled entry is a query, all other labelled entries are the gallery; queries without another
entry of their person are left out. Independent of rid but for the format. Prints mAP with four digits.
"""
import json
import sys

import h5py
import numpy as np


def mean_average_precision(embeddings, people):
    scores, found = embeddings @ embeddings.T, []
    for i, row in enumerate(scores):
        order = np.argsort(-row, kind="stable")
        hits = np.flatnonzero(people[order[order != i]] == people[i])
        if len(hits):
            found.append(((np.arange(len(hits)) + 1) / (hits + 1)).mean())
    return np.mean(found)


def main():
    gt = json.load(open(sys.argv[2]))
    with h5py.File(sys.argv[1], "r") as f:
        ids = [i.decode() for i in f["entry/id"]]
        embeddings = f["entry/embedding"][:].astype(np.float64)
    labelled = [i for i, e in enumerate(ids) if e in gt]
    people = np.unique([gt[ids[i]] for i in labelled], return_inverse=True)[1]
    print("%.4f" % mean_average_precision(embeddings[labelled], people))


if __name__ == "__main__":
    main()
