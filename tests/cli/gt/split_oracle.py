"""The parts of ground truth, computed again in the plainest way.

Usage: split_oracle.py BY ASSIGN SEED FRACTIONS GT LIST PART...
BY is person, store or day; LIST is what `rid-store list` prints of the stores (or - for none); each PART is
a file that rid-gt split --to entries wrote, in order. Prints what differs; exit 1 where something does.
"""
import hashlib
import json
import math
import sys

by, assign, seed, fractions, gt_path, list_path, *part_paths = sys.argv[1:]
shares = [float(x) for x in fractions.split(',')]
gt = json.load(open(gt_path))
bucket = {}
if list_path != '-':
    for line in open(list_path):
        entry, day, store = line.rstrip('\n').split('\t')
        bucket[entry] = {'day': day, 'store': store}


def unit_of(entry):
    return gt[entry] if by == 'person' else bucket.get(entry, {}).get(by)


def place(unit):
    digits = hashlib.sha256(seed.encode() + b'\0' + unit.encode()).hexdigest()[:16]
    return (int(digits, 16) >> 11) / 2**53


units = sorted({unit_of(e) for e in gt} - {None}, key=lambda u: (place(u), u.encode()))
part = {}
ends = [sum(shares[:k + 1]) for k in range(len(shares))]
if assign == 'hash':
    for u in units:
        part[u] = next((k for k in range(len(shares) - 1) if place(u) < ends[k]), len(shares) - 1)
else:
    cuts = [0]
    for k in range(len(shares)):
        end = len(units) if k + 1 == len(shares) else math.floor(ends[k] * len(units) + 0.5)
        end = min(max(end, cuts[-1] + 1), len(units) - (len(shares) - 1 - k))
        cuts.append(end)
        for u in units[cuts[k]:end]:
            part[u] = k

bad = 0
for k, path in enumerate(part_paths):
    found = json.load(open(path))
    expected = {e: p for e, p in gt.items() if unit_of(e) is not None and part[unit_of(e)] == k}
    if list(found.items()) != list(expected.items()):
        print(f'{path}: {len(found)} entries, expected {len(expected)}')
        bad = 1
    if not expected:
        print(f'{path}: empty, so nothing is tested')
        bad = 1
sys.exit(bad)
