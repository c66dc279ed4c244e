# What rid-calibrate refuses, with which exit code, and that nothing is left behind.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-sweep rid-calibrate

rid-synth -q --people 40 --stores 3 --frames 2:2 --vis-dim 16 --seed 2 --gt gt.json -o day.jsonl
rid-encode -q --encoder mean -o day.h5 day.jsonl
grep nc0001- day.jsonl >one.jsonl && rid-encode -q --encoder mean -o one.h5 one.jsonl
rid-sweep -q --gt gt.json --threshold 0.5,0.9 --margin 0 --bootstrap 0 -o sweep one.h5

begin 'usage'
run rid-calibrate -o p.json day.h5
expect_code 2
expect_err 'no ground truth'
run rid-calibrate --gt gt.json -o p.json
expect_code 2
expect_err 'no store'
run rid-calibrate --gt gt.json day.h5
expect_code 2
expect_err 'no output' '--ckpt-out'
run rid-calibrate --gt gt.json --ckpt-out c.pt day.h5
expect_code 2
expect_err 'give --ckpt'
run rid-calibrate --gt gt.json --ckpt m.pt -o p.json day.h5
expect_code 2
expect_err '--ckpt is for --ckpt-out'
run rid-calibrate --gt gt.json --ckpt m.pt --ckpt-out p.json -o p.json day.h5
expect_code 2
for bad in '--max-fpir 0' '--max-fpir 0.6' '--confidence 1' '--confidence 0.4' '--grid 1:0:0.1' '--grid auto' \
    '--scope some' '--nn2 both'; do
    run rid-calibrate --gt gt.json $bad -o p.json day.h5
    expect_code 2
done
expect_no_file p.json

begin 'missing and broken inputs'
run rid-calibrate --gt none.json -o p.json day.h5
expect_code 66
run rid-calibrate --gt gt.json -o p.json none.h5
expect_code 66
run rid-calibrate --gt gt.json --sweep none.json -o p.json day.h5
expect_code 66
run rid-calibrate --gt gt.json --max-fpir 0.4 --ckpt none.pt --ckpt-out c.pt day.h5
expect_code 66
echo '{"nobody": "p"}' >other.json
run rid-calibrate --gt other.json -o p.json day.h5
expect_code 65
expect_err 'no entry of the stores has a label'
for text in '{' '[]' '{"threshold":0.5,"margin":0,"nn2":"neighbor"}' \
    '{"threshold":0.5,"margin":0,"nn2":"neighbor","buckets":[{"day_id":"x"}]}' \
    '{"threshold":0.5,"margin":0,"nn2":"neighbor","buckets":[]}'; do
    echo "$text" >broken.json
    run rid-calibrate --gt gt.json --sweep broken.json -o p.json day.h5
    expect_code 65
    expect_err broken.json
done
expect_no_file p.json c.pt

begin 'too few: how many would be needed'
run rid-calibrate --gt gt.json --summary-json s.json -o p.json day.h5
expect_code 65
expect_err 'too few: 120 first visits, 120 people, buckets: 3; even without any false match FPIR could be' ', in more buckets like these (design effect'
expect_no_file p.json
needed=$(json_value s.json needed)
[ "${needed:-0}" -gt 299 ] || fail "needed: ${needed:-nothing}"
run rid-calibrate --gt gt.json --scope these --summary-json s.json -o p.json day.h5
expect_code 65
# ln 0.05 / ln 0.99
expect_err '; 299 would be needed'
expect_equal needed "$(json_value s.json needed)" 299
run rid-calibrate --gt gt.json --scope these --max-fpir 0.02 --confidence 0.9 -o p.json one.h5
expect_code 65
expect_err '; 114 would be needed'

begin 'as many as needed are enough'
# 1 - 0.5^(1/120) is 0.00576, 1 - 0.5^(1/40) is 0.01718.
run rid-calibrate --gt gt.json --scope these --max-fpir 0.00577 --confidence 0.5 -o p.json day.h5
expect_code 0
expect_equal bound "$(json_value p.json fpir_bound | cut -c 1-9)" 0.0057595
run rid-calibrate --gt gt.json --scope these --max-fpir 0.00575 --confidence 0.5 -o p2.json day.h5
expect_code 65
expect_err '121 would be needed'

begin 'no number of searches helps'
run rid-calibrate --gt gt.json --grid 0 --margin 0 -o x.json day.h5
expect_code 65
expect_err 'no number of searches helps'

begin 'one bucket says nothing of others'
run rid-calibrate --gt gt.json --max-fpir 0.1 -o one.json one.h5
expect_code 0
expect_err 'one bucket does not show'
expect_equal scope "$(json_value one.json scope)" '"these"'

begin 'one store says nothing of others'
run rid-calibrate --gt gt.json --max-fpir 0.1 --clusters store -o one-store.json one.h5
expect_code 0
expect_err 'one store does not show'
expect_equal scope "$(json_value one-store.json scope)" '"these"'

begin 'days of several stores: a warning, and stores as clusters'
rid-synth -q --people 40 --stores 2 --days 2 --frames 2:2 --vis-dim 16 --seed 2 --gt days_gt.json -o days.jsonl
rid-encode -q --encoder mean -o days.h5 days.jsonl
run rid-calibrate --gt days_gt.json --max-fpir 0.3 -o days.json days.h5
expect_code 0
expect_err 'days to come of these 2 stores'
run rid-calibrate --gt days_gt.json --max-fpir 0.05 --clusters store -o x.json days.h5
expect_code 65
expect_err ', in more stores like these'

begin 'a sweep over the same bucket'
run rid-calibrate --gt gt.json --sweep sweep/best.json --max-fpir 0.2 -o x.json day.h5
expect_code 65
expect_err '2025-11-06/nc0001' 'calibrate on other buckets'
expect_no_file x.json
grep -v nc0001- day.jsonl >rest.jsonl && rid-encode -q --encoder mean -o rest.h5 rest.jsonl
run rid-calibrate --gt gt.json --sweep sweep/best.json --scope these --max-fpir 0.4 -o x.json rest.h5
expect_code 0

begin 'unlabelled entries count against the bound'
grep -oE '"nc0001-[^"]+": ?"[^"]+"' gt.json | awk 'NR % 2' | paste -sd, | sed 's/^/{/; s/$/}/' >half.json
run rid-calibrate --gt half.json --max-fpir 0.5 --confidence 0.5 --grid 0 --margin 0 -o x2.json one.h5
expect_code 65
expect_err 'have no label' 'nobody knows whose it is' 'no number of searches helps'

begin 'existing outputs'
cp one.json before.json
run rid-calibrate --gt gt.json --max-fpir 0.1 -o one.json one.h5
expect_code 2
expect_err --force
expect_same one.json before.json
touch c.pt
run rid-calibrate --gt gt.json --max-fpir 0.1 --ckpt m.pt --ckpt-out c.pt one.h5
expect_code 2
expect_err --force
run rid-calibrate -q --gt gt.json --max-fpir 0.2 --force -o one.json one.h5
expect_code 0
expect_different one.json before.json

begin 'dry run, standard output'
run rid-calibrate --dry-run --gt gt.json --max-fpir 0.1 -o dry.json one.h5
expect_code 0
expect_no_file dry.json
run rid-calibrate -q --gt gt.json --max-fpir 0.2 -o - one.h5
expect_code 0
expect_same .out one.json
expect_no_temporaries
finish
