# rid-pairs end to end: every row against a search over all pairs, caps, reviewed pairs, addresses.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-pairs rid-store rid-eval

rid-synth -q --people 20 --stores 2 --days 2 --visits 1:4 --frames 2:3 --vis-dim 32 --visit-noise 0.6 \
    --noise 0.7 --seed 3 --gt gt.json -o all.jsonl
# A label in eleven is missing; the first entry has no embedding.
awk -F'"' 'NF < 5 || NR % 11 { print }' gt.json | sed 'N;$!P;$!D;s/,\n}/\n}/' >some.json
sed '1s/"embeddings":.*/"embeddings":[[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]]}/' \
    all.jsonl >day.jsonl
rid-encode -q --encoder mean -o day.h5 day.jsonl
# Limits at which this small world has pairs of every kind.
LIMITS=(--pos-max 0.8 --neg-min 0.3 --alias-min 0.4)

begin 'a row for each hard pair, of every kind'
run rid-pairs --gt some.json "${LIMITS[@]}" --summary-json s.json -o pairs.csv day.h5
expect_code 0
expect_err 'alias candidates' 'have no label'
expect_no_temporaries
for risk in alias_candidate hard_neg hard_pos; do
    n=$(cut -d, -f7 pairs.csv | grep -cx $risk)
    [ "$n" -ge 5 ] || fail "only $n rows of $risk"
    expect_equal $risk "$(json_value s.json $risk)" "$n"
done
expect_equal written "$(json_value s.json written)" $(($(wc -l <pairs.csv) - 1))
expect_equal skipped "$(json_value s.json skipped)" 1

begin 'people are those with an entry that counts'
sed '1s/{/{"elsewhere-1":"nobody","elsewhere-2":"nobody",/' some.json >more.json
run rid-pairs --gt more.json "${LIMITS[@]}" --summary-json more-s.json -o - day.h5
expect_code 0
expect_same .out pairs.csv
expect_equal persons "$(json_value more-s.json persons)" "$(json_value s.json persons)"

begin 'standard output, any number of threads, any order of stores: the same bytes'
run rid-pairs -q --gt some.json "${LIMITS[@]}" --threads 1 day.h5
expect_code 0
expect_same .out pairs.csv
run rid-pairs -q --gt some.json "${LIMITS[@]}" --threads 5 -o - day.h5
expect_same .out pairs.csv
head -n 70 day.jsonl >first.jsonl && tail -n +71 day.jsonl >second.jsonl
for part in first second; do rid-encode -q --encoder mean -o $part.h5 $part.jsonl; done
run rid-pairs -q --gt some.json "${LIMITS[@]}" second.h5 first.h5
expect_same .out pairs.csv

if ! /usr/bin/python3 -c 'import numpy, h5py' 2>/dev/null; then
    skip 'against all pairs' 'no /usr/bin/python3 with numpy and h5py'
else
    begin 'against all pairs'
    for set in '0.8 0.3 0.4 20 20 10000' '0.8 0.3 0.4 2 1000 100000' '0.7 0.25 0.25 20 3 40' \
        '0.9 0.2 0.6 1 1 7' '1 -1 -1 200 100000 100000' '-1 1 1 20 20 10000'; do
        read -r pos neg alias nearest person most <<<"$set"
        run rid-pairs -q --gt some.json --pos-max=$pos --neg-min=$neg --alias-min=$alias \
            --nearest $nearest --per-person $person --max-pairs $most --force -o p.csv day.h5
        expect_code 0
        run /usr/bin/python3 "$SRC/tests/cli/pairs/oracle.py" some.json day.h5 p.csv $set
        expect_code 0
        expect_empty_out
    done
    begin 'against all pairs but the reviewed ones'
    cut -d, -f1,2,5 pairs.csv | awk -F, 'NR == 1 { print "qid,aid,label" } NR % 3 == 0 { print $2 "," $1 "," $3 }' \
        >reviewed.csv
    run rid-pairs --gt some.json "${LIMITS[@]}" --per-person 4 --not-in reviewed.csv --force -o p.csv day.h5
    expect_code 0
    expect_err "$(($(wc -l <reviewed.csv) - 1)) were reviewed before"
    run /usr/bin/python3 "$SRC/tests/cli/pairs/oracle.py" some.json day.h5 p.csv 0.8 0.3 0.4 20 4 10000 reviewed.csv
    expect_code 0
    expect_empty_out
fi

begin 'what was written is left out, round after round, until nothing is left'
known=()
n=0
for i in 1 2 3 4 5 6 7 8; do
    run rid-pairs -q --gt some.json "${LIMITS[@]}" --max-pairs 60 "${known[@]}" -o round$i.csv day.h5
    expect_code 0
    known+=(--not-in round$i.csv)
    n=$((n + $(wc -l <round$i.csv) - 1))
done
expect_equal 'rows of all rounds' "$n" "$(tail -qn +2 round*.csv | cut -d, -f1,2 | sort -u | wc -l)"
run rid-pairs -q --gt some.json "${LIMITS[@]}" "${known[@]}" --not-in pairs.csv --per-person 1000 -o rest.csv day.h5
run rid-pairs -q --gt some.json "${LIMITS[@]}" "${known[@]}" --not-in pairs.csv --not-in rest.csv day.h5
expect_code 0
expect_equal 'rows at last' "$(wc -l <.out)" 1

begin 'the file is read as pairs'
run rid-eval pairs --json --pairs pairs.csv day.h5
expect_code 0
expect_equal pairs $(($(json_value .out pairs) + $(json_value .out pairs_across))) \
    $(($(wc -l <pairs.csv) - 1))
expect_equal 'of one person' $(($(json_value .out pairs_same) + $(json_value .out pairs_across_same))) \
    "$(grep -c ,hard_pos, pairs.csv)"

begin 'addresses without what gives access'
sed 's#synth://#rtsp://user:hunter2@#g; s#0\.jpg"#0.jpg?w=5\&X-Amz-Signature=hunter2"#' day.jsonl >uris.jsonl
rid-encode -q --encoder mean -o uris.h5 uris.jsonl
run rid-pairs -q --gt some.json "${LIMITS[@]}" uris.h5
expect_code 0
expect_equal 'passwords' "$(grep -c 'hunter2\|user' .out)" 0
expect_equal 'addresses' "$(sed 's#rtsp://#synth://#g; s#?w=5##g' .out | cksum)" "$(cksum <pairs.csv)"
expect_out '0.jpg?w=5'

begin 'nothing that is hard: a file with a header'
run rid-pairs -q --gt some.json --pos-max=-1 --neg-min 1 -o none.csv day.h5
expect_code 0
expect_equal rows "$(wc -l <none.csv)" 1

begin 'dry run'
run rid-pairs -q --gt some.json --dry-run -o dry.csv day.h5
expect_code 0
expect_no_file dry.csv
expect_empty_out

# ---- refusals ----

refused() { # NAME CODE TEXT ARGUMENT...
    begin "$1"
    local code=$2 text=$3
    shift 3
    run rid-pairs "$@"
    expect_code "$code"
    expect_err "$text"
    expect_empty_out
}
echo '{"x":"P"}' >other.json
printf 'qid,aid\na,a\n' >broken.csv
cp pairs.csv before.csv
refused 'no ground truth' 2 'no ground truth' day.h5
refused 'no store' 2 'no store' --gt some.json
refused 'an output that exists' 2 'add --force' --gt some.json -o pairs.csv day.h5
refused 'a limit beyond 1' 2 '--neg-min' --gt some.json --neg-min 1.5 day.h5
refused 'no nearest' 2 '--nearest' --gt some.json --nearest 0 day.h5
refused 'no pairs' 2 '--max-pairs' --gt some.json --max-pairs 0 day.h5
refused 'labels of other entries' 65 'no entry of the stores has a label' --gt other.json -o new.csv day.h5
refused 'a broken file of reviewed pairs' 65 'broken.csv: line 2' --gt some.json --not-in broken.csv day.h5
refused 'reviewed pairs that are not there' 66 'nowhere.csv' --gt some.json --not-in nowhere.csv day.h5
refused 'a store that is not there' 66 'nowhere.h5' --gt some.json nowhere.h5
refused 'a store that is none' 65 'day.jsonl' --gt some.json day.jsonl
begin 'refusals leave the output alone'
expect_same pairs.csv before.csv
expect_no_file new.csv
expect_no_temporaries
finish
