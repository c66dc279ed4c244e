#!/usr/bin/python3
"""Writes tests/vectors/linear_map.json, which test_linear_map holds train/linear_map.c against.

    tests/vectors/linear_map.py           writes it
    tests/vectors/linear_map.py --check   computes everything again and compares

Discriminant analysis a second time, from the definition: scatters by loops over persons, the
generalised eigenproblem through a Cholesky factor. Principal components by a singular value
decomposition. Each case holds the cosines of the mapped mean frames, which do not depend on signs
and rotations of the map.
"""
import json
import os
import sys

import numpy as np

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "linear_map.json")
VIS_DIM, ATTR_DIM, PERSONS = 8, 3, 11


def make_data(rng):
    """Persons of 1 to 4 entries of 1 to 4 frames; axes of very different noise."""
    noise = np.geomspace(1.2, 0.1, VIS_DIM)
    entries = []
    for person in range(PERSONS):
        centre = rng.normal(size=VIS_DIM)
        taste = rng.random(ATTR_DIM)
        for _ in range(1 + person % 4):
            frames = centre + noise * rng.normal(size=(rng.integers(1, 5), VIS_DIM))
            frames /= np.linalg.norm(frames, axis=1, keepdims=True)
            attr = 5 * np.clip(taste + 0.3 * rng.normal(size=ATTR_DIM), 0, 1)
            entries.append({"person": person, "frames": frames.astype(np.float32).tolist(),
                            "attr": attr.astype(np.float32).tolist()})
    order = rng.permutation(len(entries))
    return [entries[i] for i in order]


def rows_of(entries, attr):
    """Rows (one a frame), their persons, the mean row of each entry; attributes scaled."""
    frames = np.concatenate([np.array(e["frames"]) for e in entries])
    person = np.concatenate([[e["person"]] * len(e["frames"]) for e in entries])
    means = np.array([np.mean(e["frames"], axis=0) for e in entries])
    if attr:
        c = np.concatenate([np.tile(e["attr"], (len(e["frames"]), 1)) for e in entries])
        gain = np.sqrt(frames.var(axis=0).mean() / c.var(axis=0).mean())
        frames = np.hstack([frames, gain * c])
        means = np.hstack([means, gain * np.array([e["attr"] for e in entries])])
    return frames, person, means


def scatters(z, person):
    within, between = np.zeros((2, z.shape[1], z.shape[1]))
    for p in np.unique(person):
        own = z[person == p]
        centre = own.mean(axis=0)
        for row in own:
            within += np.outer(row - centre, row - centre) / len(z)
        between += len(own) * np.outer(centre - z.mean(axis=0), centre - z.mean(axis=0)) / len(z)
    return within, between


def shrink(s, matrix):
    return (1 - s) * matrix + s * np.trace(matrix) / len(matrix) * np.eye(len(matrix))


def discriminants(z, person, s, k):
    within, between = (shrink(s, m) for m in scatters(z, person))
    root = np.linalg.inv(np.linalg.cholesky(within))
    rho, u = np.linalg.eigh(root @ between @ root.T)
    rho, a = rho[::-1][:k], (u.T @ root)[::-1][:k]
    assert np.allclose(a @ within @ a.T, np.eye(k), atol=1e-9)
    assert np.allclose(between @ a.T, within @ a.T * rho, atol=1e-9)
    rho = np.maximum(rho, 0)
    return a * np.sqrt(rho / (1 + rho))[:, None]


def components(z, k):
    return np.linalg.svd(z - z.mean(axis=0), full_matrices=False)[2][:k]


def make_all():
    entries = make_data(np.random.default_rng(20))
    cases = []
    for kind, s, k, attr in [("lda", 0.0, 5, False), ("lda", 0.1, 4, False), ("lda", 0.9, 8, False),
                             ("lda", 1.0, 8, False), ("lda", 0.03, 6, True), ("lda", 0.6, 11, True),
                             ("pca", None, 3, False), ("pca", None, 5, True)]:
        z, person, means = rows_of(entries, attr)
        a = discriminants(z, person, s, k) if kind == "lda" else components(z, k)
        y = (means - z.mean(axis=0)) @ a.T
        y /= np.linalg.norm(y, axis=1, keepdims=True)
        cosines = [float(v) for v in (y @ y.T)[np.tril_indices(len(y), -1)]]
        cases.append({"kind": kind, "shrinkage": s, "k": k, "attr": attr, "cosines": cosines})
    return {"vis_dim": VIS_DIM, "attr_dim": ATTR_DIM, "persons": PERSONS, "entries": entries,
            "cases": cases}


def text_of(document):
    """A line for each entry and case; cosines to 9 decimals."""
    def line(item):
        item = dict(item)
        if "cosines" in item:
            item["cosines"] = [round(v, 9) for v in item["cosines"]]
        return json.dumps(item)
    lists = {key: "[\n" + ",\n".join(map(line, document[key])) + "\n]"
             for key in ("entries", "cases")}
    parts = [f"{json.dumps(k)}: {lists.get(k, v)}" for k, v in document.items()]
    return "{" + ",\n".join(parts) + "}\n"


def main():
    text = text_of(make_all())
    if "--check" not in sys.argv[1:]:
        with open(PATH, "w") as f:
            f.write(text)
        return 0
    old, new = json.load(open(PATH)), json.loads(text)
    same = old["entries"] == new["entries"] and len(old["cases"]) == len(new["cases"])
    for a, b in zip(old["cases"], new["cases"]):
        same = same and np.allclose(a.pop("cosines"), b.pop("cosines"), atol=1e-8) and a == b
    print("the vectors are as written" if same else f"{PATH} is not what comes out now")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
