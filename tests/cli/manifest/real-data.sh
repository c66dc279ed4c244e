# The main job on real data: bursts of speech (LibriSpeech) and of handwriting (Omniglot), the mean
# encoder, against figures computed independently. Skipped where the data is not there (RID_DATA names
# its folder).
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest

data=${RID_DATA:-$SRC/../shared/data}

# pairwise MANIFEST GT: precision, recall and F1 over pairs of entries, three decimals.
pairwise() {
    {
        grep -oE '"[^"]+": *"[^"]+"' "$2" | sed -E 's/"([^"]+)": *"([^"]+)"/gt\t\1\t\2/'
        grep -oE '"(person_id|entry_id)":"[^"]+"' "$1" | sed -E 's/"([^"]+)":"([^"]+)"/\1\t\2/'
    } | awk -F'\t' '
        $1 == "gt" { truth[$2] = $3 }
        $1 == "person_id" { person = $2 }
        $1 == "entry_id" { both[person "\t" truth[$2]]++; said[person]++; is[truth[$2]]++ }
        function pairs(n) { return n * (n - 1) / 2 }
        END {
            for (k in both) hits += pairs(both[k])
            for (k in said) found += pairs(said[k])
            for (k in is) wanted += pairs(is[k])
            p = found ? hits / found : 1; r = wanted ? hits / wanted : 1
            printf "%.3f %.3f %.3f\n", p, r, p + r ? 2 * p * r / (p + r) : 0
        }'
}

# expect_pairwise STORE GT THRESHOLD MARGIN NN2 WANTED: "P R F1", "-" for a figure that may be anything
expect_pairwise() {
    rid-manifest -q --threshold "$3" --margin "$4" --nn2 "$5" --embeddings none --force \
        -o m.json "$1" || { test_why="rid-manifest failed"; return; }
    local got want i
    read -ra got < <(pairwise m.json "$2")
    read -ra want <<<"$6"
    for i in 0 1 2; do
        [ "${want[i]}" = - ] || [ "${want[i]}" = "${got[i]}" ] ||
            test_why="precision, recall, F1 are ${got[*]}, expected $6"
    done
}

if [ ! -d "$data/librispeech" ]; then
    skip librispeech 'no data folder'
else
    speech=$data/librispeech
    rid-encode -q --encoder mean -o ls.h5 "$speech/test-clean.jsonl.gz"
    begin 'librispeech identity'
    expect_pairwise ls.h5 "$speech/gt_test-clean.json" 0.50 0.10 identity '1.000 1.000 1.000'
    begin 'librispeech neighbor'
    expect_pairwise ls.h5 "$speech/gt_test-clean.json" 0.50 0 neighbor '0.971 1.000 0.986'
fi

if [ ! -d "$data/omniglot" ]; then
    skip omniglot 'no data folder'
else
    letters=$data/omniglot
    rid-encode -q --encoder mean -o og.h5 "$letters/eval.jsonl.gz"
    begin 'omniglot neighbor'
    expect_pairwise og.h5 "$letters/gt_eval.json" 0.80 0.02 neighbor '- - 0.535'
    begin 'omniglot identity'
    expect_pairwise og.h5 "$letters/gt_eval.json" 0.70 0.10 identity '- - 0.550'
fi
finish
