"""rid-gt against the plainest computation, on random ground truth.

Usage: oracle.py diff|documents|check|pairs N [STORE LIST]
N random cases; LIST is what `rid-store list` prints of STORE. rid-gt is found in PATH; files are made in
the working directory. Prints the first difference; exit 1 where there is one.
"""
import csv
import itertools
import json
import random
import subprocess
import sys

mode, n_cases = sys.argv[1], int(sys.argv[2])
store = sys.argv[3] if len(sys.argv) > 3 else None
places = {}
if store:
    for line in open(sys.argv[4]):
        entry, day, place = line.rstrip('\n').split('\t')
        places[entry] = (day, place)


def rid_gt(*args, code=0):
    run = subprocess.run(['rid-gt', *args], capture_output=True, text=True)
    if run.returncode != code:
        sys.exit(f'rid-gt {args}: exit {run.returncode}, expected {code}: {run.stderr}')
    return run.stdout


def same(what, found, expected):
    if found != expected:
        sys.exit(f'{what}:\n found    {found}\n expected {expected}')


def write(path, document):
    with open(path, 'w') as f:
        json.dump(document, f)
    return path


# ---- documents ----

def make(r, entries, n_people, include=0.15):
    """A document of random form, and [(entry, person, included)] in order."""
    people = [f'p{i}' for i in range(n_people)]
    labels = [(e, r.choice(people)) for e in entries]
    form = r.choice(['entries', 'persons', 'map'])
    if form == 'entries':
        return dict(labels), [(e, p, True) for e, p in labels]
    if form == 'map':
        document, said = {}, []
        for e, p in labels:
            left_out = r.random() < include
            document[e] = {'person_id': p, 'note': [e, None]} | ({'include': False} if left_out else {})
            said.append((e, p, not left_out))
        return {'entry_map': document, 'by': 'me'}, said
    document, said = {}, []
    for p in r.sample(people, len(people)):
        out = r.random() < include
        person = {'alias': p.upper(), 'first_seen': None} | ({'include': not out} if r.random() < 0.5 or out else {})
        person['entries'] = []
        for e, q in labels:
            if q != p:
                continue
            left_out = r.random() < include
            person['entries'].append({'entry_id': e} | ({'include': False} if left_out else {}))
            said.append((e, p, not (left_out or out)))
        document[p] = person
    return {'format_version': 9, 'persons': document}, said


def read(document):
    """[(entry, person, included)], people with notes, of any form."""
    if 'persons' in document:
        people = document['persons']
        return ([(e['entry_id'], p, e.get('include', True) and people[p].get('include', True))
                 for p in people for e in people[p]['entries']],
                {p: {k: v for k, v in people[p].items() if k not in ('entries', 'include')} for p in people})
    if 'entry_map' in document:
        return [(e, v['person_id'], v.get('include', True)) for e, v in document['entry_map'].items()], {}
    return [(e, p, True) for e, p in document.items()], {}


def check_documents(r):
    entries = [f'e"{i}\\' for i in range(r.randint(0, 12))]
    document, said = make(r, entries, r.randint(1, 5))
    write('in.json', document)
    for form in ('persons', 'map', 'entries'):
        result = json.loads(rid_gt('convert', '--gt', 'in.json', '--to', form, '-q'))
        found, notes = read(result)
        expected = [x for x in said if x[2] or form != 'entries']
        key = (lambda x: x) if form == 'persons' else None
        same(f'{document} as {form}', sorted(found) if key else found, sorted(expected) if key else expected)
        if form != 'entries':
            same('format_version', result['format_version'], 1)
        if 'persons' in document and form == 'persons':
            same('notes', notes, read(document)[1])
            same('people', list(result['persons']), list(document['persons']))
        if 'entry_map' in document and form != 'entries':
            same('by', result['by'], 'me')
        if 'entry_map' in document and form == 'map':
            same('notes', [v['note'] for v in result['entry_map'].values()], [[e, None] for e in entries])
        # The form that was written is read again, and is then the same bytes.
        write_text = rid_gt('convert', '--gt', 'in.json', '--to', form, '-q')
        open('again.json', 'w').write(write_text)
        same('again', rid_gt('convert', '--gt', 'again.json', '--to', form, '-q'), write_text)
    if len(entries) > 2:
        check_merge(r, entries)


def check_merge(r, entries):
    said = {}
    conflicts, order = set(), []
    for k in range(3):
        document, labels = make(r, r.sample(entries, len(entries) // 2), 2)
        write(f'm{k}.json', document)
        for e, p, included in labels:
            said.setdefault(e, []).append(p if included else None)
            order += [e] if e not in order else []
    conflicts = {e for e in said if len(set(said[e])) > 1}
    files = ['m0.json', 'm1.json', 'm2.json']
    rid_gt('merge', *files, '-q', '-o', 'none.json', code=65 if conflicts else 0)
    if not conflicts:
        subprocess.run(['rm', 'none.json'], check=True)
    for prefer in ('first', 'last'):
        found = json.loads(rid_gt('merge', *files, '--prefer', prefer, '--to', 'entries', '-q'))
        which = {e: said[e][0 if prefer == 'first' else -1] for e in order}
        same(f'merge --prefer {prefer}', list(found.items()), [(e, p) for e, p in which.items() if p])
    report = json.loads(rid_gt('check', *[x for f in files for x in ('--gt', f)], '--json', '-q',
                               code=65 if conflicts else 0))
    same('conflicts', report['conflicts'], len(conflicts))
    same('cases', {c['entry_id'] for c in report['cases']['conflicts']} <= conflicts, True)


# ---- diff ----

def check_diff(r):
    n = r.randint(0, 14)
    entries = [f'e{i}' for i in range(n)]
    a_doc, a_said = make(r, [e for e in entries if r.random() < 0.9], r.randint(1, 6))
    b_doc, b_said = make(r, [e for e in entries if r.random() < 0.9], r.randint(1, 6))
    if r.random() < 0.5 and a_said:  # b as a with a few changes, some under other names
        names = {p: r.choice([p, p + 'x', p]) for _, p, _ in a_said}
        b_said = [(e, names[p] if r.random() < 0.8 else 'new', i) for e, p, i in a_said if r.random() < 0.95]
        b_doc = {'entry_map': {e: {'person_id': p, 'include': i} for e, p, i in b_said}}
    found = json.loads(rid_gt('diff', write('a.json', a_doc), write('b.json', b_doc), '--json', '--cases', '99'))
    a, b = ({e: p for e, p, i in said if i} for said in (a_said, b_said))
    cell = {}
    for e in a:
        if e in b:
            cell.setdefault((a[e], b[e]), []).append(e)

    def best(options, me):
        return min(options, key=lambda o: (-o[1], o[0] != me, o[0].encode()))[0]
    heir = {p: best([(t, len(v)) for (f, t), v in cell.items() if f == p], p) for p, _ in cell}
    origin = {p: best([(f, len(v)) for (f, t), v in cell.items() if t == p], p) for _, p in cell}
    kind = {(f, t): (heir[f] == t, origin[t] == f) for f, t in cell}
    split = {f for (f, t), k in kind.items() if k == (False, True)}
    merged = {t for (f, t), k in kind.items() if k == (True, False)}
    moved = {(e, f, t) for (f, t), k in kind.items() if k == (False, False) for e in cell[f, t]}
    expected = {
        'entries_a': len(a), 'entries_b': len(b), 'people_a': len(set(a.values())),
        'people_b': len(set(b.values())), 'common': sum(map(len, cell.values())),
        'changed': sum(len(v) for c, v in cell.items() if kind[c] != (True, True)),
        'split': len(split), 'merged': len(merged), 'moved': len(moved),
        'renamed': sum(k == (True, True) and f != t for (f, t), k in kind.items()),
        'added': len(b.keys() - a.keys()), 'removed': len(a.keys() - b.keys()),
        'people_added': len(set(b.values()) - set(origin)), 'people_removed': len(set(a.values()) - set(heir))}
    same(f'{a}\n{b}', {k: found[k] for k in expected}, expected)
    cases = found['cases']
    same('split', {c['person_id']: {x['person_id']: x['entries'] for x in c['into']} for c in cases['split']},
         {p: {t: len(v) for (f, t), v in cell.items() if f == p and kind[f, t] != (False, False)} for p in split})
    same('merged', {c['person_id']: {x['person_id']: x['entries'] for x in c['from']} for c in cases['merged']},
         {p: {f: len(v) for (f, t), v in cell.items() if t == p and kind[f, t] != (False, False)} for p in merged})
    same('moved', {(c['entry_id'], c['from'], c['to']) for c in cases['moved']}, moved)
    same('renamed', {(c['from'], c['to'], c['entries']) for c in cases['renamed']},
         {(f, t, len(v)) for (f, t), v in cell.items() if kind[f, t] == (True, True) and f != t})
    all_a, all_b = ({e for e, _, _ in said} for said in (a_said, b_said))
    same('added', {(c['entry_id'], c['person_id'], c['left_out']) for c in cases['added']},
         {(e, b[e], e in all_a) for e in b.keys() - a.keys()})
    same('removed', {(c['entry_id'], c['person_id'], c['left_out']) for c in cases['removed']},
         {(e, a[e], e in all_b) for e in a.keys() - b.keys()})


def people_in_order(document):
    if 'persons' in document:
        return list(document['persons'])
    labels = document.get('entry_map', document)
    return list(dict.fromkeys(v['person_id'] if isinstance(v, dict) else v for v in labels.values()))


# ---- with stores ----

def some_truth(r, n_people, include=0.1):
    entries = r.sample(sorted(places), r.randint(1, len(places))) + ['in-no-store-1', 'in-no-store-2']
    document, said = make(r, entries, n_people, include)
    write('gt.json', document)
    return document, said


def check_check(r):
    document, said = some_truth(r, r.randint(2, 60))
    found = json.loads(rid_gt('check', '--gt', 'gt.json', '--json', '--cases', '1000', store))
    labels = {e: p for e, p, i in said if i}
    everyone = people_in_order(document)
    entries_of = {p: [e for e in labels if labels[e] == p] for p in everyone}
    known = [e for e in labels if e in places]
    where = {p: {places[e] for e in v if e in places} for p, v in entries_of.items()}
    left_out_people = {p for p in everyone
                       if 'persons' in document and not document['persons'][p].get('include', True)}
    empty = [p for p in everyone if not entries_of[p] and p not in left_out_people]
    expected = {
        'files': 1, 'entries': len(labels), 'people': len(set(labels.values())),
        'left_out': len(said) - len(labels), 'repeated': 0, 'notes_differ': 0,
        'store_entries': len(places), 'stores': len({s for _, s in places.values()}),
        'days': len({d for d, _ in places.values()}), 'buckets': len(set(places.values())), 'replaced': 0,
        'labelled': len(known), 'mated': len(known) - len({(labels[e], places[e]) for e in known}),
        'conflicts': 0, 'empty': len(empty), 'single': sum(len(v) == 1 for v in entries_of.values()),
        'unknown': len(labels) - len(known), 'unlabelled': len(places.keys() - {e for e, _, _ in said}),
        'across_stores': sum(len({s for _, s in v}) > 1 for v in where.values()),
        'across_days': sum(len({d for d, _ in v}) > 1 for v in where.values())}
    same('check', {k: found[k] for k in expected}, expected)
    cases = found['cases']
    for kind in cases:
        same(kind, len(cases[kind]), found[kind])
    same('across_stores', {c['person_id']: set(c['stores']) for c in cases['across_stores']},
         {p: {s for _, s in v} for p, v in where.items() if len({s for _, s in v}) > 1})
    same('unlabelled', {c['entry_id']: (c['day_id'], c['store_id']) for c in cases['unlabelled']},
         {e: places[e] for e in places.keys() - {e for e, _, _ in said}})
    same('unknown', {(c['entry_id'], c['person_id']) for c in cases['unknown']},
         {(e, p) for e, p in labels.items() if e not in places})
    same('empty', [c['person_id'] for c in cases['empty']], empty)


def read_pairs(text):
    rows = list(csv.DictReader(text.splitlines()))
    return {frozenset((row['qid'], row['aid'])): int(row['label']) for row in rows}, len(rows)


def check_pairs(r):
    _, said = some_truth(r, r.randint(1, 30))
    labels = {e: p for e, p, i in said if i and e in places}
    expected = {frozenset((x, y)): int(labels[x] == labels[y])
                for x, y in itertools.combinations(labels, 2) if places[x] == places[y]}
    text = rid_gt('convert', '--gt', 'gt.json', '--to', 'pairs', '-q', store)
    found, n = read_pairs(text)
    same('pairs', (found, n), (expected, len(expected)))
    n_same = sum(expected.values())
    limits = r.randint(0, n_same + 2), r.randint(0, len(expected) - n_same + 2)
    sampled = ['convert', '--gt', 'gt.json', '--to', 'pairs', '-q', '--max-same', str(limits[0]),
               '--max-different', str(limits[1]), '--seed', '5', store]
    drawn, n = read_pairs(rid_gt(*sampled))
    same('drawn', (n, sum(drawn.values()), drawn.items() <= expected.items()),
         (min(limits[0], n_same) + min(limits[1], len(expected) - n_same), min(limits[0], n_same), True))
    same('drawn again', read_pairs(rid_gt(*sampled))[0], drawn)
    # And back: people are what pairs of one person connect.
    open('pairs.csv', 'w').write(text)
    back = json.loads(rid_gt('convert', '--pairs', 'pairs.csv', '--to', 'entries', '-q'))
    named = {e for pair in expected for e in pair}
    same('named', set(back), named)
    for x, y in itertools.combinations(sorted(named), 2):
        same(f'{x} {y}', back[x] == back[y], labels[x] == labels[y] and places[x] == places[y])
    same('names', all(back[back[e]] == back[e] for e in back), True)


checks = {'diff': check_diff, 'documents': check_documents, 'check': check_check, 'pairs': check_pairs}
for seed in range(n_cases):
    checks[mode](random.Random(f'{mode} {seed}'))
