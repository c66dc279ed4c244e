# rid-calibrate from sweep to manifest: the point, the copy of the checkpoint, stores that carry it, and
# what wins over what.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-store rid-sweep rid-calibrate rid-manifest rid-match rid-eval

SYNTH=(rid-synth -q --frames 2:2 --vis-dim 48 --attrs off --visit-noise 0.2)
"${SYNTH[@]}" --people 120 --stores 8 --seed 3 --ckpt-out model.pt --emb-dim 32 --gt gt.json -o cal.jsonl
"${SYNTH[@]}" --people 40 --stores 2 --seed 4 --first-day 2025-12-01 --gt sweep_gt.json -o sweep.jsonl
"${SYNTH[@]}" --people 90 --stores 2 --seed 5 --first-day 2025-12-02 --gt new_gt.json -o new.jsonl
for part in cal sweep new; do rid-encode -q --ckpt model.pt -o $part.h5 $part.jsonl; done
rid-sweep -q --gt sweep_gt.json --threshold 0.3:0.98:0.02 --margin 0:0.1:0.02 --bootstrap 0 -o sweep sweep.h5

hash_of() { rid-store info "$1" | awk '/^encoder hash/ { print $3 }'; }
# The operating point of a manifest: threshold, and where it came from.
used() { # MANIFEST
    local threshold from
    threshold=$(json_value "$1" threshold)
    from=$(grep -oP '"from":\{"threshold":"\K[^"]*' "$1" | head -n 1)
    echo "$threshold $from"
}
manifest() { # OPTION...: of one store of the new day
    run rid-manifest --embeddings none --day 2025-12-02 --store nc0001 -o - "$@"
    expect_code 0
}

begin 'a point, with margin and rule of the sweep'
run rid-calibrate --gt gt.json --sweep sweep/best.json --max-fpir 0.02 --ckpt model.pt \
    --ckpt-out calibrated.pt --summary-json s.json -o point.json cal.h5
expect_code 0
expect_err 'with 95% confidence FPIR is at most'
for key in margin nn2; do
    expect_equal $key "$(json_value point.json $key)" "$(json_value sweep/best.json $key)"
done
expect_equal 'margin from' "$(grep -o '"margin":"sweep","nn2":"sweep"' point.json)" '"margin":"sweep","nn2":"sweep"'
expect_equal encoder "$(json_value point.json encoder_hash)" "\"$(hash_of cal.h5)\""
expect_equal searches "$(json_value point.json searches)" 960
expect_equal buckets "$(json_value point.json buckets)" 8
for key in format_version max_fpir confidence fpir_bound fnir false_matches gallery_min gallery_max stores labels; do
    grep -q "\"$key\":" point.json || fail "point.json has no $key"
done
awk -v b="$(json_value point.json fpir_bound)" 'BEGIN { exit !(b > 0 && b <= 0.02) }' || fail 'the bound is not below the limit'
POINT=$(json_value point.json threshold) MARGIN_=$(json_value point.json margin) NN2_=$(json_value point.json nn2 | tr -d '"')

begin 'the end of the grid is said, and a margin that turns most away'
run rid-calibrate --gt gt.json --sweep sweep/best.json --max-fpir 0.02 --grid 0.97,0.98,0.99 -o end.json cal.h5
expect_code 0
expect_err 'warning: the grid ends at threshold 0.97, which keeps the promise'
run rid-calibrate --gt gt.json --margin 0.9 --max-fpir 0.02 --grid 0,0.5 -o end.json --force cal.h5
expect_code 0
expect_err 'the grid ends at threshold 0, ' 'is margin 0.9 too large?'
run rid-calibrate --gt gt.json --sweep sweep/best.json --max-fpir 0.02 -o end.json --force cal.h5
expect_code 0
grep -q 'grid ends' .err && fail 'the grid goes on, and is said to end'

begin 'a sweep whose condition no cell met is only taken with a warning'
rid-sweep -q --gt sweep_gt.json --objective fnir@fpir=0 --threshold 0.1,0.2 --margin 0 --bootstrap 0 -o missed sweep.h5
expect_equal condition "$(json_value missed/best.json condition_met)" false
warned() { # COMMAND...
    run "$@"
    expect_code 0
    expect_err 'warning: missed/best.json: no cell of that sweep met the condition of its objective'
}
warned rid-calibrate --gt gt.json --sweep missed/best.json --max-fpir 0.02 -o missed.json cal.h5
warned rid-manifest --point missed/best.json --embeddings none -o missed-manifests new.h5
warned rid-match --point missed/best.json --ckpt model.pt -o missed.jsonl new.jsonl
run rid-manifest --point sweep/best.json --embeddings none -o met-manifests new.h5
expect_code 0
grep -q 'met the condition' .err && fail 'a condition that was met is said not to be'

begin 'the same bytes for any number of threads'
for threads in 1 3; do
    run rid-calibrate -q --threads $threads --gt gt.json --sweep sweep/best.json --max-fpir 0.02 -o p$threads.json cal.h5
    expect_code 0
    expect_same p$threads.json point.json
done

begin 'counts are those of the sweep at that cell'
run rid-sweep -q --gt gt.json --threshold "$POINT" --margin "$MARGIN_" --nn2 "$NN2_" --bootstrap 0 -o cell cal.h5
expect_code 0
for key in false_matches mated hits wrong_matches fnir; do
    expect_equal $key "$(json_value point.json $key)" "$(json_value cell/best.json $key)"
done

if ! /usr/bin/python3 -c 'import scipy' 2>/dev/null; then
    skip 'against the scores of manifests' 'no /usr/bin/python3 with SciPy'
else
    begin 'against the scores of manifests'
    "${SYNTH[@]}" --people 150 --stores 3 --days 3 --seed 6 --gt days_gt.json -o days.jsonl
    rid-encode -q --ckpt model.pt -o days.h5 days.jsonl
    # A bucket without labels, a small one, and labels that are missing.
    { grep nc0007- cal.jsonl; grep nc0008- cal.jsonl | head -n 90; cat days.jsonl; } >mixed.jsonl
    rid-encode -q --ckpt model.pt -o mixed.h5 mixed.jsonl
    { grep -oE '"[^"]+": ?"[^"]+"' days_gt.json | awk 'NR % 40'; grep -oE '"nc0008-[^"]+": ?"[^"]+"' gt.json; } |
        paste -sd, | sed 's/^/{/; s/$/}/' >mixed_gt.json
    for data in cal:gt.json days:days_gt.json mixed:mixed_gt.json; do
        for options in '' '--scope these' '--confidence 0.9 --margin 0' '--clusters store'; do
            run rid-calibrate -q --gt "${data#*:}" --max-fpir 0.06 $options --force -o o.json "${data%:*}.h5"
            expect_code 0
            rid-manifest -q --embeddings none --nn2 neighbor --force -o scores-${data%:*} "${data%:*}.h5"
            run /usr/bin/python3 "$SRC/tests/cli/calibrate/oracle.py" "${data#*:}" o.json scores-${data%:*}
            expect_code 0
            expect_empty_out
        done
    done
fi

begin 'the point goes through checkpoint and store into the manifest'
run rid-encode -q --ckpt calibrated.pt -o new_c.h5 new.jsonl
expect_code 0
expect_equal hash "$(hash_of new_c.h5)" "$(hash_of cal.h5)"
manifest new.h5
expect_equal default "$(used .out)" '0.88 default'
expect_equal 'nothing calibrated' "$(grep -c '"calibrated"' .out)" 0
manifest new_c.h5
expect_equal store "$(used .out)" "$POINT store"
expect_out '"overridden":[]'
cp .out from_store.json
manifest --point point.json new.h5
expect_equal point "$(used .out)" "$POINT --point"
expect_equal people "$(json_value .out person_count)" "$(json_value from_store.json person_count)"
rid-match -q --ckpt calibrated.pt new.jsonl | grep -c '"status":"new"' >matched
rid-match -q --ckpt model.pt --point point.json new.jsonl | grep -c '"status":"new"' >matched_point
rid-match -q --ckpt model.pt new.jsonl | grep -c '"status":"new"' >matched_default
expect_same matched matched_point
expect_different matched matched_default

begin 'precedence: each level over the one below, and what is overridden is said'
printf 'threshold: 0.51\n' >set.yaml
manifest --config set.yaml new_c.h5
expect_equal YAML "$(used .out)" '0.51 configuration'
expect_err 'overrides the calibrated operating point of the store'
expect_out '"overridden":["threshold"]' "\"calibrated\":{\"from\":\"store\",\"threshold\":$POINT"
THRESHOLD=0.52 manifest --config set.yaml new_c.h5
expect_equal environment "$(used .out)" '0.52 environment'
expect_err 'overrides'
THRESHOLD=0.52 manifest --config set.yaml --point point.json new_c.h5
expect_equal point "$(used .out)" "$POINT --point"
expect_equal warnings "$(grep -c overrides .err)" 0
THRESHOLD=0.52 manifest --config set.yaml --point point.json --threshold 0.53 new_c.h5
expect_equal flag "$(used .out)" '0.53 flag'
expect_err 'threshold (from flag) overrides the calibrated operating point of --point, whose promise does not hold'
expect_out '"overridden":["threshold"]' '"calibrated":{"from":"--point"'
sed "s/\"threshold\":$POINT/\"threshold\":0.54/" point.json >other.json
manifest --point other.json new_c.h5
expect_equal 'another point' "$(used .out)" '0.54 --point'
expect_err '--point overrides the calibrated operating point of the store'
manifest --threshold "$POINT" new_c.h5
expect_equal 'the same value is no override' "$(grep -c overrides .err)" 0
run rid-match --ckpt calibrated.pt --threshold 0.5 -o m.jsonl new.jsonl
expect_code 0
expect_err 'overrides the calibrated operating point of the checkpoint'

begin 'galleries beyond those that were calibrated'
expect_equal covered "$(grep -c '"gallery_covered":true' from_store.json)" 1
for limit in 'gallery_max":40' 'gallery_min":1000'; do
    sed "s/\"${limit%%\"*}\":[0-9]*/\"$limit/" point.json >small.json
    grep -q "\"$limit" small.json || fail "no $limit"
    run rid-manifest --embeddings none --force -o out --point small.json new.h5
    expect_code 0
    case $limit in
    *max*) expect_err 'warning: 2 of 2 buckets have more than the 40 matchable entries'
        grep -q '"gallery_covered":false' out/2025-12-02/nc0001.json || fail 'the document does not say' ;;
    *) expect_err '2 of 2 buckets have fewer than the 1000' ;;
    esac
done
sed 's/"gallery_max":[0-9]*/"gallery_max":40/' point.json >small.json
run rid-manifest --embeddings none --force -o out --point small.json --margin 0.3 new.h5
expect_equal 'overridden: no promise, no gallery' "$(grep -c 'matchable entries' .err)" 0

BEYOND='buckets have more than the 40 matchable entries that the operating point covers, up to'
begin 'rid-match says when a bucket outgrows them, and at the end how many did'
run rid-match --ckpt model.pt --point small.json -o m.jsonl --force new.jsonl
expect_code 0
expect_err 'warning: bucket 2025-12-02/nc000' 'has more than the 40 matchable entries that the operating point covers: from here on' \
    "warning: 2 of 2 $BEYOND $(grep -oE "\"store_id\":\"[^\"]*" new.jsonl | sort | uniq -c | awk '$1 > n { n = $1 } END { print n }'):"
expect_equal 'said once' "$(grep -c 'from here on' .err)" 1
# 41 entries, one of them twice, one of another bucket: one too many; then one without an embedding instead.
{ grep nc0001- new.jsonl | head -n 41; grep nc0001- new.jsonl | head -n 1; grep nc0002- new.jsonl | head -n 1; } >41.jsonl
run rid-match --ckpt model.pt --point small.json -o m.jsonl --force 41.jsonl
expect_err "warning: 1 of 2 $BEYOND 41"
sed '1s/"embeddings":.*/"embeddings":[['"$(printf '0,%.0s' {1..47})"'0]]}/; 42d' 41.jsonl >40.jsonl
run rid-match --ckpt model.pt --point small.json -o m.jsonl --force 40.jsonl
expect_code 0
expect_equal '40 are covered' "$(grep -c 'more than' .err)" 0
# The first entry of 41 is replaced by one without an embedding.
{ cat 41.jsonl; head -n 1 40.jsonl; } >replaced.jsonl
run rid-match --ckpt model.pt --point small.json -o m.jsonl --force replaced.jsonl
expect_err 'from here on'
expect_equal '40 at the end' "$(grep -c "$BEYOND" .err)" 0
run rid-match --ckpt model.pt --warm new.h5 --point small.json -o m.jsonl --force 40.jsonl
expect_err "warning: 2 of 2 $BEYOND"
run rid-match --ckpt model.pt --point small.json --margin 0.3 -o m.jsonl --force new.jsonl
expect_equal 'overridden: no promise, no gallery' "$(grep -c 'matchable entries' .err)" 0

begin 'rid-eval diff under a point: of the file, of the store'
rid-manifest -q --embeddings none -o by_point --point point.json new.h5
for sides in 'by_point new.h5 --point point.json' 'by_point new_c.h5' 'new.h5 new_c.h5 --point point.json'; do
    run rid-eval diff -q --json $sides
    expect_code 0
    expect_equal "$sides" "$(grep -c '"splits":\[\],"merges":\[\],"decisions":\[\]' .out)" 1
    expect_equal makers "$(grep -oE '"made_by_a":\[[^]]*' .out | cut -c 13-)" "$(grep -oE '"made_by_b":\[[^]]*' .out | cut -c 13-)"
done
run rid-eval diff -q --json by_point new.h5
expect_equal 'not by default' "$(grep -c '"splits":\[\],"merges":\[\],"decisions":\[\]' .out)" 0
THRESHOLD=0.52 run rid-eval diff -q --json --point point.json by_point new.h5
expect_out "\"threshold\":$POINT"
run rid-eval diff --json --point point.json --threshold 0.53 by_point new.h5
expect_code 0
expect_err 'threshold (from flag) overrides the calibrated operating point of --point'
run rid-eval diff --json --point small.json new_c.h5 new.h5
expect_code 0
expect_equal 'galleries, on both sides' "$(grep -c "2 of 2 $BEYOND" .err)" 2
run rid-eval diff --json --point point.json by_point by_point
expect_code 0
expect_err 'an operating point are for stores'

begin 'another encoder'
run rid-encode -q --encoder mean -o mean.h5 new.jsonl
run rid-manifest --point point.json -o x mean.h5
expect_code 78
expect_err 'another encoder'
expect_no_file x
run rid-match --encoder mean --point point.json new.jsonl
expect_code 78
run rid-eval diff --point point.json by_point mean.h5
expect_code 78
expect_err 'another encoder'
run rid-eval diff --point none.json by_point new.h5
expect_code 66
run rid-calibrate --gt new_gt.json --ckpt model.pt --ckpt-out x.pt mean.h5
expect_code 78
expect_err 'another encoder'
expect_no_file x.pt
run rid-calibrate --gt new_gt.json --sweep sweep/best.json -o x.json mean.h5
expect_code 78
run rid-encode --ckpt calibrated.pt --filter off -o off.h5 new.jsonl
expect_code 0
expect_err 'operating point of calibrated.pt is left aside'
expect_equal 'no point' "$(rid-store info off.h5 | awk '/^operating point/ { print $3 }')" none

if ! /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    skip 'keys of a training of PyTorch' 'no /usr/bin/python3 with torch'
else
    begin 'keys of a training of PyTorch: plain values stay, others are named'
    /usr/bin/python3 - <<'PYTHON'
import torch
ck = torch.load("model.pt")
ck.update(epoch=41, lr=3e-4, best=True, note="gut: 0,9 €", parent=None, seed=-2**40,
          optimizer={"state": {}}, history=[0.5, 0.25])
torch.save(ck, "own.pt")
PYTHON
    run rid-calibrate --gt gt.json --sweep sweep/best.json --max-fpir 0.02 --ckpt own.pt --ckpt-out own_cal.pt cal.h5
    expect_code 0
    expect_err 'warning: own_cal.pt leaves out what a copy of the checkpoint cannot keep: optimizer (a dict), history (a list)'
    run /usr/bin/python3 - <<'PYTHON'
import torch
own, copy = torch.load("own.pt"), torch.load("own_cal.pt")
keys = ["epoch", "lr", "best", "note", "parent", "seed", "vis_dim", "emb_dim", "dropout"]
print([k for k in keys if type(copy[k]) is not type(own[k]) or copy[k] != own[k]],
      sorted(set(own) - set(copy)), sorted(set(copy) - set(own)),
      all(torch.equal(own["state_dict"][k], copy["state_dict"][k]) for k in own["state_dict"]))
PYTHON
    expect_code 0
    expect_equal 'in Python' "$(cat .out)" "[] ['history', 'optimizer'] [] True"
    run rid-encode -q --ckpt own_cal.pt -o own.h5 new.jsonl
    expect_equal hash "$(hash_of own.h5)" "$(hash_of cal.h5)"
    run rid-calibrate --gt gt.json --sweep sweep/best.json --max-fpir 0.02 --ckpt model.pt --ckpt-out again.pt cal.h5
    expect_equal 'nothing to leave out' "$(grep -c 'leaves out' .err)" 0
    expect_same again.pt calibrated.pt
fi

begin 'a checkpoint without settings of its own gets those of the stores'
run rid-encode -q --ckpt model.pt --filter off -o off2.h5 cal.jsonl
run rid-calibrate -q --gt gt.json --max-fpir 0.02 --ckpt model.pt --ckpt-out off.pt off2.h5
expect_code 0
run rid-encode -q --ckpt off.pt -o off3.h5 cal.jsonl
expect_code 0
expect_equal hash "$(hash_of off3.h5)" "$(hash_of off2.h5)"
run rid-calibrate -q --gt gt.json --max-fpir 0.02 --ckpt calibrated.pt --ckpt-out x.pt off2.h5
expect_code 78
expect_err 'frame filter differ'
expect_no_file x.pt
expect_no_temporaries
finish
