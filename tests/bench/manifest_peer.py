#!/usr/bin/python3
"""Writes a manifest with Python's json: the document is in memory, dumping and writing it is timed.

    manifest_peer.py write MANIFEST.json OUT.json [doubles]
    manifest_peer.py check MANIFEST.json STORE.h5

The document is what rid-manifest wrote, so that both write the same numbers with the same digits;
with `doubles` frames are what numpy's tolist() gives of float32 vectors. Prints `seconds WALL cpu
CPU`.
`check` prints `events N frames N wrong N`: how many frames are not the store's, bit for bit (needs
python3-h5py).
"""
import json
import struct
import sys
import time


def events_of(document):
    return [event for person in document["people"] for event in person["events"]]


def as_doubles(document):
    for event in events_of(document):
        event["embeddings"] = [list(struct.unpack(f"{len(x)}f", struct.pack(f"{len(x)}f", *x)))
                               for x in event["embeddings"]]


def write(document, path):
    wall, cpu = time.perf_counter(), time.process_time()
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    print(f"seconds {time.perf_counter() - wall:.4f} cpu {time.process_time() - cpu:.4f}")


def check(document, path):
    import h5py
    import numpy as np
    with h5py.File(path, "r") as store:
        row_of = {entry.rstrip(b"\0").decode(): i for i, entry in enumerate(store["/entry/id"][:])}
        offset, vectors = store["/frame/offset"][:], store["/frame/vector"][:]
    frames = wrong = 0
    for event in events_of(document):
        i = row_of[event["entry_id"]]
        stored = vectors[offset[i]:offset[i + 1]]
        written = np.array(event["embeddings"], np.float32)
        frames += len(stored)
        wrong += len(stored) if written.shape != stored.shape else \
            int((written != stored).any(axis=1).sum())
    print(f"events {document['event_count']} frames {frames} wrong {wrong}")


def main():
    command, manifest, other = sys.argv[1:4]
    with open(manifest, "rb") as f:
        document = json.load(f)
    if command == "check":
        check(document, other)
        return
    if "doubles" in sys.argv[4:]:
        as_doubles(document)
    write(document, other)


if __name__ == "__main__":
    main()
