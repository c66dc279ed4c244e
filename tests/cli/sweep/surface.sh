# rid-sweep end to end: cells against the manifests of the same rule, the best cell, the report.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-manifest rid-sweep

rid-synth -q --people 20 --stores 2 --days 1 --visits 1:4 --frames 2:3 --vis-dim 32 --visit-noise 0.6 \
    --seed 3 --gt gt.json -o day.jsonl
rid-encode -q --encoder mean -o day.h5 day.jsonl
head -n 50 day.jsonl >one.jsonl && rid-encode -q --encoder mean -o one.h5 one.jsonl
GRID=(--threshold 0.4:0.95:0.05 --margin 0,0.01,0.02:0.1:0.04)

begin 'three files'
run rid-sweep --gt gt.json "${GRID[@]}" --bootstrap 100 --summary-json s.json -o out day.h5
expect_code 0
expect_err 'Pairwise F1'
expect_file out/surface.csv out/best.json out/report.html
expect_no_temporaries
expect_equal rows "$(wc -l <out/surface.csv)" $((1 + 2 * 12 * 5))
expect_equal cells "$(json_value s.json cells)" 120
expect_equal head "$(head -n 1 out/surface.csv)" nn2,threshold,margin,persons,true_persons,$(:
    )pairwise_precision,pairwise_recall,pairwise_f1,bcubed_precision,bcubed_recall,bcubed_f1,$(:
    )v_measure,ari,mated,nonmated,hits,wrong_matches,false_matches,to_unlabelled,fnir,fpir,$(:
    )pairs_precision,pairs_recall,pairs_f1,as_good
expect_equal 'decimals of the grid' "$(cut -d, -f2 out/surface.csv | sort -u | tr '\n' ' ')" \
    '0.4 0.45 0.5 0.55 0.6 0.65 0.7 0.75 0.8 0.85 0.9 0.95 threshold '

begin 'the same bytes for any number of threads'
run rid-sweep -q --threads 3 --gt gt.json "${GRID[@]}" --bootstrap 100 -o out3 day.h5
expect_code 0
run rid-sweep -q --threads 1 --gt gt.json "${GRID[@]}" --bootstrap 100 -o out1 day.h5
expect_code 0
for f in surface.csv best.json report.html; do
    expect_same out/$f out3/$f
    expect_same out/$f out1/$f
done

# The best by the rules of ties: F1, lower FPIR, higher threshold, higher margin, neighbor.
best_row() { # SURFACE
    tail -n +2 "$1" | sort -t, -k8,8gr -k21,21g -k2,2gr -k3,3gr -k1,1r | head -n 1 | cut -d, -f1-3
}
begin 'best.json is the best row'
expect_equal best "$(json_value out/best.json nn2 | tr -d '"'),$(json_value out/best.json threshold),$(json_value out/best.json margin)" \
    "$(best_row out/surface.csv)"
expect_equal 'as good' "$(grep -c ',1$' out/surface.csv)" "$(json_value out/best.json as_good)"

begin 'one rule alone gives the same rows'
for nn2 in neighbor identity; do
    run rid-sweep -q --gt gt.json "${GRID[@]}" --bootstrap 0 --nn2 $nn2 -o only-$nn2 day.h5
    expect_code 0
    expect_equal $nn2 "$(grep "^$nn2," out/surface.csv | cut -d, -f1-24 | cksum)" \
        "$(tail -n +2 only-$nn2/surface.csv | cut -d, -f1-24 | cksum)"
done

if ! /usr/bin/python3 -c '' 2>/dev/null; then
    skip 'cells against manifests' 'no /usr/bin/python3'
else
    begin 'cells against manifests'
    for rule in 'neighbor 0.6 0' 'neighbor 0.75 0.01' 'neighbor 0.8 0.06' 'identity 0.6 0' \
        'identity 0.7 0.1' 'identity 0.85 0.02'; do
        read -r nn2 threshold margin <<<"$rule"
        rm -rf m
        rid-manifest -q --threshold "$threshold" --margin "$margin" --nn2 "$nn2" --embeddings none \
            -o m day.h5
        run /usr/bin/python3 "$SRC/tests/cli/sweep/oracle.py" gt.json out/surface.csv m $rule
        expect_code 0
        expect_empty_out
    done
    begin 'cells of one bucket against manifests'
    run rid-sweep -q --gt gt.json "${GRID[@]}" --bootstrap 0 -o out-one one.h5
    expect_code 0
    rm -rf m
    rid-manifest -q --threshold 0.7 --margin 0.02 --nn2 identity --embeddings none -o m one.h5
    run /usr/bin/python3 "$SRC/tests/cli/sweep/oracle.py" gt.json out-one/surface.csv m identity 0.7 0.02
    expect_code 0
    expect_empty_out
fi

begin 'automatic grid: as good as any fixed one'
run rid-sweep -q --gt gt.json --grid auto:30 --bootstrap 0 --nn2 neighbor -o auto day.h5
expect_code 0
expect_equal exact "$(json_value auto/best.json over_all_breakpoints)" true
run rid-sweep -q --gt gt.json --threshold 0:0.999:0.001 --margin 0:0.2:0.002 --bootstrap 0 --nn2 neighbor -o fine day.h5
expect_code 0
awk -v a="$(json_value auto/best.json value)" -v f="$(json_value fine/best.json value)" \
    'BEGIN { exit !(a >= f) }' || fail 'a fixed grid is better than the best of all breakpoints'
grep -oE '0\.0*[1-9][0-9]{5,}' auto/report.html >long && fail "$(wc -l <long) numbers of six digits and more in the report"
[ "$(wc -l <auto/surface.csv)" -le 901 ] || fail 'more than 30 breakpoints a side'

begin 'objectives'
for objective in bcubed-f1 precision@recall=0.5 recall@precision=0.9 fnir@fpir=0.1; do
    run rid-sweep -q --gt gt.json "${GRID[@]}" --objective $objective --bootstrap 20 -o "o-$objective" day.h5
    expect_code 0
    expect_equal condition "$(json_value "o-$objective/best.json" condition_met)" true
done
run rid-sweep --gt gt.json --threshold 0.4 --margin 0 --objective fnir@fpir=0 -o o-none day.h5
expect_code 0
expect_err 'no cell meets the condition'
expect_equal condition "$(json_value o-none/best.json condition_met)" false
run rid-sweep --gt gt.json --threshold 0.3,0.4 --margin 0,0.01 --objective fnir@fpir=0 -o o-none2 day.h5
grep -q 'By how much the condition is missed' o-none2/report.html || fail 'the map does not say that the condition holds nowhere'
grep -q 'no data' o-none2/report.html && fail 'a map without data'

begin 'unlabelled entries are matched, not counted, and told'
/usr/bin/env head -n 30 day.jsonl | grep -oE '"entry_id": ?"[^"]+"' | head -n 10 | cut -d'"' -f4 >some
{
    printf '{"persons":{"P":{"include":false,"entries":['
    sed 's/.*/{"entry_id":"&"}/' some | paste -sd,
    printf ']}}}'
} >excluded.json
run rid-sweep --gt excluded.json --threshold 0.6 --margin 0 -o e1 day.h5
expect_code 65
expect_err 'no entry of the stores has a label'
grep -oE '"[^"]+": ?"[^"]+"' gt.json | grep -vFf some | paste -sd, | sed 's/^/{/; s/$/}/' >fewer.json
run rid-sweep --gt fewer.json --threshold 0.6 --margin 0 -o e2 day.h5
expect_code 0
expect_err '10 of' 'have no label'
expect_equal unlabelled "$(json_value e2/best.json unlabelled)" 10

begin 'buckets without a label are left out'
grep -oE '"nc0001[^"]*": ?"[^"]+"' gt.json | paste -sd, | sed 's/^/{/; s/$/}/' >nc0001.json
grep nc0001- day.jsonl >nc0001.jsonl && rid-encode -q --encoder mean -o nc0001.h5 nc0001.jsonl
run rid-sweep --gt nc0001.json "${GRID[@]}" --bootstrap 100 -o nc0001 day.h5
expect_code 0
expect_err '1 bucket (' 'without a label: left out'
run rid-sweep -q --gt nc0001.json "${GRID[@]}" --bootstrap 100 -o nc0001-alone nc0001.h5
expect_code 0
for f in surface.csv report.html; do expect_same nc0001/$f nc0001-alone/$f; done
for d in nc0001 nc0001-alone; do sed 's/"stores":.*//' $d/best.json >$d/buckets; done
expect_same nc0001/buckets nc0001-alone/buckets

# All pairs of ground truth within a bucket, as a file.
begin 'pairs: those of ground truth give the pairwise figures of ground truth'
/usr/bin/env grep -oE '"[^"]+": ?"[^"]+"' gt.json | tr -d '" ' | tr : ' ' >labels
awk '{ id[NR] = $1; person[NR] = $2; split($1, part, "-"); bucket[NR] = part[1] }
    END { print "qid,aid,label"
        for (i = 1; i <= NR; i++) for (j = i + 1; j <= NR; j++) if (bucket[i] == bucket[j])
            print id[i] "," id[j] "," (person[i] == person[j] ? 1 : 0) }' labels >pairs.csv
run rid-sweep -q --gt gt.json --pairs pairs.csv "${GRID[@]}" --bootstrap 0 -o both day.h5
expect_code 0
expect_equal 'cells where they differ' \
    "$(awk -F, 'NR > 1 && ($6 != $22 || $7 != $23 || $8 != $24)' both/surface.csv | wc -l)" 0
expect_equal pairs "$(json_value both/best.json pairs)" $(($(wc -l <pairs.csv) - 1))
run rid-sweep -q --pairs pairs.csv "${GRID[@]}" -o alone day.h5
expect_code 0
expect_equal objective "$(json_value alone/best.json objective)" '"pairs-f1"'
for key in threshold margin nn2; do
    expect_equal $key "$(json_value alone/best.json $key)" "$(json_value both/best.json $key)"
done
expect_equal value "$(json_value alone/best.json value)" "$(json_value both/best.json pairwise_f1)"
expect_file alone/report.html

begin 'pairs alone: nothing is said of persons, and the pairs of each bucket are shown'
expect_equal 'figures of persons in best.json' "$(grep -oE '"(pairwise_[a-z0-9]+|bcubed_f1|ari)":[0-9]' alone/best.json | wc -l)" 0
expect_equal 'nulls' "$(grep -o '"pairwise_f1":null' alone/best.json | wc -l)" $((1 + 2 + 2))
expect_equal 'in surface.csv' "$(tail -n +2 alone/surface.csv | cut -d, -f6-8 | sort -u)" ,,
table=$(sed -n '/Buckets at the best point/,$p' alone/report.html)
grep -q 'Worst by F1 of the pairs' <<<"$table" || fail 'it is not said by what a bucket is the worst'
grep -q 'F1 of the pairs</th>' <<<"$table" || fail 'no column of pairs'
grep -q 'FNIR' <<<"$table" && fail 'a column of persons'
worst=$(awk '/<tr/ { row = "" } { row = row $0 } /<\/tr>/ && row ~ /\(worst\)/ { print row }' <<<"$table" |
    grep -oE '<td class="n">[0-9.]+' | tail -n 1 | cut -d'>' -f2)
expect_equal 'F1 of the worst' "$worst" "$(grep -oE '"buckets":\[.*' alone/best.json | grep -oE '"pairs_f1":[0-9.e-]+' |
    cut -d: -f2 | sort -g | head -n 1 | xargs printf '%.3f')"

begin 'report: one file, no script, nothing fetched'
expect_equal links "$(grep -cE '<script|<link|<img|https?://' out/report.html)" 0
grep -q 'Taken for another person' out/report.html || fail 'no confusions in the report'
grep -qE '<td class="n" data-name="F1"><span>0\.[0-9]{3}<small>0\.[0-9]{3} to [01]\.[0-9]{3}</small></span>' out/report.html ||
    fail 'the interval does not stand below its figure'
finish
