# scripts/demo with the binaries that are built: what it prints, and that it prints it again.
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-manifest
"$SRC/scripts/install-deps.sh" --check >.missing 2>&1 || {
    skip demo "it would install packages: $(tail -n +2 .missing | tr '\n' ' ')"
    finish
}

# What was found, without times.
tables() { sed -n '/^== People/,/^== Timings/p' "$1" | grep -vE '^rid-[a-z]*: .*( peak memory |, ETA )'; }

begin 'the demonstration runs, and finds most persons'
MAKE=true run "$SRC/scripts/demo"
expect_code 0
expect_equal 'standard error' "$(grep -v '^install-deps: ' .err)" ''
expect_equal 'persons shown' "$(grep -c '^nc0001-[0-9]' .out)" 12
expect_equal 'persons in truth' "$(awk '/^--nn2 identity/ { print $7 }' .out)" 100
expect_equal 'F1 at least 0.9' "$(awk '/^--nn2 identity/ { print ($5 >= 0.9 && $5 <= 1) }' .out)" 1
expect_out 'manifests/2025-11-06/nc0001.json'
cp .out first

begin 'settings of the user do not change it, and neither does a second run'
THRESHOLD=0.1 MARGIN=0 MODEL_CKPT=/nowhere.pt MAKE=true run "$SRC/scripts/demo"
expect_code 0
tables first >a
tables .out >b
expect_file a
expect_same a b

if [ -x "$BIN/rid-train" ]; then
    begin 'training gains on its validation people, and on others'
    expect_equal 'mAP' "$(awk '/^mAP on the validation people/ { print ($6 < 0.8 && $10 > 0.95) }' first)" 1
    expect_equal 'F1' "$(awk '/^mean at/ { mean = $6 } /^trained at/ { print ($6 > mean + 0.2) }' first)" 1
fi

if [ -x "$BIN/rid-sweep" ]; then
    begin 'ends with a sweep, and the path of its report'
    expect_equal 'the last line' "$(tail -n 1 first)" \
        'Report of the sweep, for the browser: build/demo/sweep/report.html'
    expect_file "$SRC/build/demo/sweep/report.html" "$SRC/build/demo/sweep/best.json"
    expect_equal 'F1 of the sweep is at least that of one threshold' "$(awk -v best="$(json_value \
        "$SRC/build/demo/sweep/best.json" value)" '/^trained at/ { print (best >= $6 - 0.01) }' first)" 1
fi

begin 'precision, recall and F1 are those of a count over all pairs'
awk -F '\t' '
    { p[NR] = $1; t[NR] = $2 }
    END {
        for (i = 1; i <= NR; i++)
            for (j = 1; j < i; j++) {
                found += p[i] == p[j]; truth += t[i] == t[j]; both += p[i] == p[j] && t[i] == t[j]
            }
        printf "%.3f %.3f %.3f\n", both / found, both / truth, 2 * both / (found + truth)
    }' "$SRC/build/demo/events.tsv" >expected
expect_equal 'the row' "$(awk '/^--nn2 identity/ { print $3, $4, $5 }' first)" \
    "$(cat expected)"

begin 'every event of the manifest is in the table, with its true person'
expect_equal 'events' "$(wc -l <"$SRC/build/demo/events.tsv")" \
    "$(json_value "$SRC"/build/demo/manifests/*/*.json event_count)"
expect_equal 'pairs of entry and person' \
    "$(awk -F '\t' '{ print $3, $2 }' "$SRC/build/demo/events.tsv" | sort | cksum)" \
    "$(awk -F '"' 'NF >= 5 { print $2, $4 }' "$SRC/build/demo/gt.json" | sort | cksum)"

finish
