# Calibration on real data, against the scores of manifests and SciPy: handwritten characters with their
# alphabets as stores, which differ, and as one. Skipped where the data is not there (RID_DATA names its folder).
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-calibrate

data=${RID_DATA:-$SRC/../shared/data}
[ -d "$data/omniglot" ] || { skip omniglot 'no data folder'; finish; }
/usr/bin/python3 -c 'import scipy' 2>/dev/null || { skip omniglot 'no /usr/bin/python3 with SciPy'; finish; }

zcat "$data/omniglot/eval.jsonl.gz" >one.jsonl
sed -E 's|"store_id": "omniglot"(.*"images/)([^/]+)/|"store_id": "\2"\1\2/|' one.jsonl >alphabets.jsonl
for stores in one alphabets; do
    begin "omniglot, $stores"
    rid-encode -q --encoder mean -o $stores.h5 $stores.jsonl
    rid-manifest -q --nn2 neighbor --embeddings none -o scores-$stores $stores.h5
    for options in '--max-fpir 0.05 --margin 0' '--max-fpir 0.1 --margin 0.02' '--max-fpir 0.1 --margin 0 --scope these'; do
        run rid-calibrate -q --gt "$data/omniglot/gt_eval.json" $options --force -o p.json $stores.h5
        expect_code 0
        run /usr/bin/python3 "$SRC/tests/cli/calibrate/oracle.py" "$data/omniglot/gt_eval.json" p.json scores-$stores
        expect_code 0
        expect_empty_out
    done
done

begin 'alphabets differ'
run rid-calibrate -q --gt "$data/omniglot/gt_eval.json" --max-fpir 0.01 --margin 0 -o x.json alphabets.h5
expect_code 65
expect_err 'too few: 659 first visits' 'design effect'
run rid-calibrate -q --gt "$data/omniglot/gt_eval.json" --max-fpir 0.01 --margin 0 -o x.json one.h5
expect_code 0
finish
