#!/usr/bin/python3
"""The figures of rid-eval pairs --json by scikit-learn, from exported embeddings.

    pairs_oracle.py REPORT PAIRS EMBEDDINGS.npy IDS

IDS: entry id and store, a line an entry, in the order of the embeddings. Prints nothing where all agree.
"""
import csv
import json
import pathlib
import sys

import numpy as np
from sklearn import metrics


def main():
    report, pairs, embeddings, ids = sys.argv[1:]
    found = json.loads(pathlib.Path(report).read_text())
    emb = np.load(embeddings).astype(np.float64)
    row, store = {}, {}
    for i, line in enumerate(pathlib.Path(ids).read_text().split("\n")[:-1]):
        entry, store[i] = line.split("\t")
        row[entry] = i
    same, score = [], []
    across = absent = unscored = 0
    with open(pairs, newline="") as f:
        for p in csv.DictReader(f):
            a, b = row.get(p["qid"]), row.get(p["aid"])
            if a is None or b is None:
                absent += 1
            elif store[a] != store[b]:
                across += 1
            elif not emb[a].any() or not emb[b].any():
                unscored += 1
            else:
                same.append(p["label"] == "1")
                score.append(float(np.float32(emb[a] @ emb[b])))
    same, score = np.array(same), np.array(score)
    fpr, tpr, _ = metrics.roc_curve(same, score, drop_intermediate=False)
    at = np.argmax(fpr >= 1 - tpr)
    step = (1 - tpr[at - 1] - fpr[at - 1]) / ((1 - tpr[at - 1] - fpr[at - 1]) - (1 - tpr[at] - fpr[at]))
    precision, recall, threshold = metrics.precision_recall_curve(same, score)
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))[:-1]
    p, n = score[same], score[~same]
    expected = {"pairs": len(same), "pairs_same": int(same.sum()), "pairs_across": across,
                "pairs_without_entry": absent, "pairs_without_score": unscored,
                "auc": metrics.roc_auc_score(same, score), "eer": fpr[at - 1] + step * (fpr[at] - fpr[at - 1]),
                "dprime": (p.mean() - n.mean()) / np.sqrt((p.var() + n.var()) / 2),
                "best_f1": f1.max(), "best_f1_threshold": threshold[f1 >= f1.max() - 1e-12].max()}
    for k in range(1, 5):
        expected[f"tar_far_1e{k}"] = tpr[fpr <= 10.0 ** -k].max()
    for key, value in expected.items():
        if abs(found[key] - value) > 1e-6:
            print(f"{key} is {found[key]}, expected {value}")


if __name__ == "__main__":
    main()
