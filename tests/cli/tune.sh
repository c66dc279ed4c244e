# scripts/tune.sh: parts, points and figures, what it does with too little data, exit codes.
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-gt rid-sweep rid-calibrate rid-manifest rid-eval
unset TUNE_DIR TUNE_BY TUNE_FRACTIONS TUNE_SEED THRESHOLDS MARGINS OBJECTIVE BOOTSTRAP MAX_FPIR CONFIDENCE ASSERT
unset THRESHOLD MARGIN
tune=$SRC/scripts/tune.sh

world() { # NAME STORES DAYS
    rid-synth -q --people 30 --stores "$2" --days "$3" --visits 1:4 --frames 2:3 --vis-dim 48 --noise 0.8 \
        --seed 3 --gt "$1.json" -o "$1.jsonl"
    rid-encode -q --encoder mean -o "$1.h5" "$1.jsonl"
}
world many 10 1
world days 2 4
world two 2 1
world one 1 1
ids_of() { grep -oE '"(nc[0-9]+)-[0-9-]+":' "$1" | cut -d- -f1 | sort -u | tr -d '"' | tr '\n' ' '; }

begin 'three parts, none in two; the point of the calibration, and its figures on the third'
export THRESHOLDS=0.5:0.99:0.01 MARGINS=0,0.02,0.05 BOOTSTRAP=50
MAX_FPIR=0.2 run "$tune" many.json many.h5
expect_code 0
expect_no_err
expect_same .out runs/tune/decision.txt
expect_file runs/tune/point.json runs/tune/sweep/report.html runs/tune/errors.csv runs/tune/log
expect_no_file runs/tune/log.now
expect_equal stores "$(for p in sweep calibrate evaluate; do ids_of runs/tune/parts/$p.json; done | tr ' ' '\n' |
    grep . | sort | uniq -c | awk '$1 == 1' | wc -l)" 10
expect_equal 'swept stores' "$(grep -oE '"buckets":\[.*\]' runs/tune/sweep/best.json |
    grep -oE '"store_id":"[^"]*"' | cut -d'"' -f4 | sort -u | tr '\n' ' ')" "$(ids_of runs/tune/parts/sweep.json)"
expect_equal 'judged stores' "$(find runs/tune/manifests-* -name '*.json' -printf '%f\n' | sort -u | cut -d. -f1 |
    tr '\n' ' ')" "$(ids_of runs/tune/parts/evaluate.json)"
expect_equal rows "$(grep -oE '^(now|swept|calibrated) ' .out | tr -d '\n')" 'now swept calibrated '
expect_equal 'the point' "$(awk '/^calibrated/ { print $2, $3, $4 }' .out)" \
    "$(json_value runs/tune/point.json nn2 | tr -d '"') $(json_value runs/tune/point.json threshold) $(json_value runs/tune/point.json margin)"
rid-manifest -q --point runs/tune/point.json --embeddings none -o by-hand many.h5
rid-eval manifest -q --gt runs/tune/parts/evaluate.json --json -o by-hand.json by-hand
for key in pairwise_precision pairwise_recall pairwise_f1 fnir fpir true_persons; do
    expect_equal $key "$(json_value runs/tune/evaluation-calibrated.json $key)" "$(json_value by-hand.json $key)"
done
expect_equal 'F1 in the table' "$(awk '/^calibrated/ { print $7 }' .out)" \
    "$(printf '%.3f' "$(json_value by-hand.json pairwise_f1)")"

begin 'without grids: thresholds where the scores are'
env -u THRESHOLDS -u MARGINS MAX_FPIR=0.2 TUNE_DIR=auto "$tune" many.json many.h5 >.out 2>.err
expect_equal exit $? 0
expect_out 'For neighbor no other threshold and margin is better'
awk '/^swept/ { exit !($3 > 0.5 && $3 < 0.95) }' .out || fail 'the swept threshold is beside the scores'
expect_equal 'the calibrated threshold is one of the sweep' "$(cut -d, -f2 auto/sweep/surface.csv |
    awk -v t="$(json_value auto/point.json threshold)" '{ d = $1 - t } d * d < 1e-18' | head -n 1 | wc -l)" 1

begin 'an earlier result is refused, and replaced with --force by the same'
cp -r runs/tune before
run "$tune" many.json many.h5
expect_code 2
expect_err 'add --force'
MAX_FPIR=0.2 run "$tune" --force many.json many.h5
expect_code 0
diff -r -x log runs/tune before >/dev/null || fail 'a second run gives something else'
echo '{"x"' >broken.json
run "$tune" --force broken.json many.h5
expect_code 65
diff -r -x log runs/tune before >/dev/null || fail 'a run that failed took the results before it'
rm runs/tune/log && mkdir runs/tune/.earlier && mv runs/tune/[a-z]* runs/tune/.earlier && mkdir runs/tune/sweep # killed at work
run "$tune" many.json many.h5
expect_code 2
diff -r -x log runs/tune before >/dev/null || fail 'results that a killed run had set aside did not come back'
mkdir runs/tune/.earlier.part && mv runs/tune/sweep runs/tune/.earlier.part # killed when it set them aside
run "$tune" many.json many.h5
expect_code 2
diff -r -x log runs/tune before >/dev/null || fail 'results that were only partly set aside did not come back'
mkdir -p mine/sweep && echo precious >mine/sweep/notes
TUNE_DIR=mine run "$tune" many.json many.h5
expect_code 2
expect_equal notes "$(cat mine/sweep/notes)" precious

begin 'assertions that hold, and one that does not: exit 4, and everything is there'
ASSERT='pairwise_f1 >= 0.1; fpir <= 1' MAX_FPIR=0.2 TUNE_DIR=a1 run "$tune" many.json many.h5
expect_code 0
expect_out 'All 2 assertions hold.'
ASSERT=$'pairwise_f1 >= 0.1\nfnir <= 0.0001\n' MAX_FPIR=0.2 TUNE_DIR=a2 run "$tune" many.json many.h5
expect_code 4
expect_out 'Assertion failed: fnir <= 0.0001' 'Use it:'
expect_file a2/evaluation-calibrated.json a2/errors.csv
ASSERT='no_such_figure > 1' MAX_FPIR=0.2 TUNE_DIR=a3 run "$tune" many.json many.h5
expect_code 2
expect_err no_such_figure
expect_no_file a3
ASSERT='fpir = 1' TUNE_DIR=a3 run "$tune" many.json many.h5
expect_code 2
expect_err "'fpir = 1' is not like" 'tune: ASSERT holds a condition that is none'

begin 'too few people for the promise: the swept point is evaluated, exit 65'
MAX_FPIR=0.001 TUNE_DIR=few run "$tune" many.json many.h5
expect_code 65
expect_out 'not calibrated: ' 'would be needed' 'rid-manifest --point few/sweep/best.json'
expect_equal rows "$(grep -oE '^(now|swept|calibrated) ' .out | tr -d '\n')" 'now swept '
expect_no_file few/point.json

begin 'without calibration: two parts'
MAX_FPIR=none TUNE_DIR=none run "$tune" many.json many.h5
expect_code 0
expect_out 'Sweep (f1): Pairwise F1' 'Calibration: not asked for'
expect_equal parts "$(ls none/parts)" $'evaluate.json\nsweep.json'

begin 'days where stores are too few'
MAX_FPIR=0.3 TUNE_DIR=days run "$tune" days.json days.h5
expect_code 0
expect_out 'Parts, by day' 'have entries in more than one part'
TUNE_BY=store MAX_FPIR=0.3 TUNE_DIR=stores run "$tune" days.json days.h5
expect_code 65
expect_out 'Parts, by store' 'not calibrated: that needs stores'

begin 'two stores: sweep and evaluation'
TUNE_DIR=two run "$tune" two.json two.h5
expect_code 65
expect_out 'Parts, by store' 'not calibrated: that needs stores'
expect_file two/evaluation-swept.json

begin 'one store and day: the sweep alone'
TUNE_DIR=one run "$tune" one.json one.h5
expect_code 65
expect_out 'nothing to divide' 'Not evaluated' 'rid-manifest --point one/sweep/best.json'
expect_file one/sweep/best.json

refused() { # NAME CODE TEXT ARGUMENT...
    begin "$1"
    local code=$2 text=$3
    shift 3
    TUNE_DIR=refused run "$tune" --force "$@"
    expect_code "$code"
    expect_err "$text"
    expect_empty_out
    expect_no_file refused/decision.txt refused/parts refused/sweep
}
echo '{"x"' >broken.json
echo '{"x":"P"}' >other.json
refused 'no store' 2 'GT STORE.h5' many.json
refused 'ground truth that is not there' 66 nowhere.json nowhere.json many.h5
refused 'broken ground truth' 65 broken.json broken.json many.h5
refused 'labels of other entries' 65 'no entry of the stores has a label' other.json many.h5
refused 'a store that is not there' 66 nowhere.h5 many.json nowhere.h5
OBJECTIVE=f2 refused 'an objective that is none' 2 f2 many.json many.h5
TUNE_BY=shelf refused 'a unit that is none' 2 TUNE_BY many.json many.h5
for setting in MAX_FPIR=2 MAX_FPIR=abc MAX_FPIR=0 CONFIDENCE=1 CONFIDENCE=x TUNE_SEED=-1 BOOTSTRAP=many \
    TUNE_FRACTIONS=0.5 THRESHOLDS=0.5:0.9 MARGINS=x OBJECTIVE=fnir@fpir=abc; do
    export "${setting?}"
    refused "$setting" 2 "tune: ${setting%%=*} '${setting#*=}' is not" many.json many.h5
    unset "${setting%%=*}"
done
export THRESHOLDS=0.5:0.99:0.01 MARGINS=0,0.02,0.05 BOOTSTRAP=50
refused 'an option that is none' 2 "'--forse' is no option" --forse many.json many.h5

begin 'help: standard output, exit 0'
run "$tune" --help
expect_code 0
expect_no_err
expect_out 'GT STORE.h5' 'TUNE_DIR'

begin 'a folder that cannot be made'
TUNE_DIR=/proc/nowhere run "$tune" many.json many.h5
expect_code 74
expect_err 'tune: the folder /proc/nowhere cannot be made'
: >plain
TUNE_DIR=plain run "$tune" many.json many.h5
expect_code 2
expect_err 'plain is not a folder'

begin 'what a failed run leaves is no reason to refuse the next'
TUNE_DIR=again run "$tune" other.json many.h5
expect_code 65
expect_equal left "$(ls again)" log
MAX_FPIR=0.2 TUNE_DIR=again run "$tune" many.json many.h5
expect_code 0

# A sweep that goes on until it is told to end.
mkdir slow
for tool in gt calibrate manifest eval; do ln -s "$BIN/rid-$tool" slow/; done
cat >slow/rid-sweep <<'END'
#!/bin/bash
trap 'echo stopped >ended; exit 143' TERM
echo $$ >started
for ((i = 0; i < 600; i++)); do sleep 0.1; done
echo finished >ended
END
chmod +x slow/rid-sweep
begin 'SIGTERM to the script alone ends the tool, too, and is waited for'
PATH=$PWD/slow:$PATH TUNE_DIR=stopped "$tune" many.json many.h5 >.out 2>.err &
for ((i = 0; i < 300; i++)); do [ -s started ] && break; sleep 0.1; done
expect_file started
kill $!
wait $!
expect_equal exit $? 143
expect_equal 'the tool' "$(cat ended)" stopped
expect_equal left "$(ls stopped)" log

if command -v shellcheck >/dev/null; then
    begin shellcheck
    run shellcheck "$tune"
    expect_code 0
fi
finish
