# rid-sweep: what it refuses, and with which code.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-sweep

{ good a-1; good a-2; good a-3; } >p.jsonl
rid-encode -q --encoder mean -o s.h5 p.jsonl
echo '{"a-1":"P","a-2":"P","a-3":"Q"}' >gt.json
echo '{"a-1":"P","a-2":"Q","a-3":"R"}' >apart.json
echo '{"x":"P"}' >other.json
printf 'qid,aid,label\na-1,a-2,1\n' >pairs.csv
printf 'qid,aid\na-1,x\n' >other.csv
printf 'qid,aid\na-1,a-1\n' >broken.csv

refused() { # NAME CODE TEXT ARGUMENT...
    begin "$1"
    local code=$2 text=$3
    shift 3
    run rid-sweep "$@"
    expect_code "$code"
    expect_err "$text"
    expect_empty_out
}
refused 'no ground truth' 2 'no ground truth' -o out s.h5
refused 'no output' 2 'no output' --gt gt.json s.h5
refused 'no store' 2 'no store' --gt gt.json -o out
refused 'f1 without ground truth' 2 'needs --gt' --pairs pairs.csv --objective f1 -o out s.h5
refused 'pairs-f1 without pairs' 2 'needs --pairs' --gt gt.json --objective pairs-f1 -o out s.h5
refused 'pairs of other entries' 65 'no pair is of two entries' --pairs other.csv -o out s.h5
refused 'a broken file of pairs' 65 'broken.csv' --pairs broken.csv -o out s.h5
refused 'a grid that is none' 2 'is not a grid' --gt gt.json --threshold 0.5:0.9 -o out s.h5
refused 'a negative margin' 2 'is not a grid' --gt gt.json --margin=-0.1 -o out s.h5
refused 'an objective that is none' 2 "--objective: 'f2'" --gt gt.json --objective f2 -o out s.h5
refused 'a bound beyond 1' 2 '--objective' --gt gt.json --objective fnir@fpir=2 -o out s.h5
refused 'a mode that is none' 2 '--nn2' --gt gt.json --nn2 both -o out s.h5
refused 'grid auto and thresholds' 2 'leave out' --gt gt.json --grid auto --threshold 0.5 -o out s.h5
refused 'a grid auto that is none' 2 "--grid: 'auto:1'" --gt gt.json --grid auto:1 -o out s.h5
refused 'too many cells' 2 'cells' --gt gt.json --threshold 0:1:0.0002 --margin 0:1:0.001 -o out s.h5
refused 'ground truth that is not there' 66 'nowhere.json' --gt nowhere.json -o out s.h5
refused 'a store that is not there' 66 'nowhere.h5' --gt gt.json -o out nowhere.h5
refused 'a store that is none' 65 'p.jsonl' --gt gt.json -o out p.jsonl
refused 'labels of other entries' 65 'no entry of the stores has a label' --gt other.json -o out s.h5
refused 'an objective that is not defined' 65 'not defined' --gt apart.json -o out s.h5

begin 'dry run'
run rid-sweep -q --gt gt.json --dry-run s.h5
expect_code 0
expect_no_file out

begin 'an existing output is refused, and replaced with --force'
run rid-sweep -q --gt gt.json -o out s.h5
expect_code 0
cp out/best.json before.json
refused 'without --force' 2 'add --force' --gt gt.json -o out s.h5
expect_same out/best.json before.json
run rid-sweep -q --gt gt.json --threshold 0.5 --force -o out s.h5
expect_code 0
expect_different out/best.json before.json
expect_no_temporaries
finish
