#!/bin/bash
# Chooses an operating point, with proof: sweeps threshold, margin and rule on some stores, calibrates the
# threshold on others, and tries the result on the rest. Prints one screen to decide by.
#
#   scripts/tune.sh [--force] GT STORE.h5…
#
# The parts are whole stores, or days where there are fewer than three stores. Reports are left in
# $TUNE_DIR: sweep/report.html, point.json (for rid-manifest --point), errors.csv, decision.txt, log; of a run
# that failed or was stopped the log alone.
#
# Environment: TUNE_DIR (runs/tune), TUNE_BY (store, day), TUNE_FRACTIONS (0.3,0.5,0.2: sweep, calibration,
# evaluation), TUNE_SEED (0); of the sweep THRESHOLDS and MARGINS (grids LO:HI:STEP; unset: where the scores
# are), OBJECTIVE (fnir@fpir=$MAX_FPIR; f1 without calibration), BOOTSTRAP; of the calibration MAX_FPIR
# (0.01; none: no calibration), CONFIDENCE (0.95); ASSERT, conditions on the evaluation, one a line or with ; between them:
# ASSERT='pairwise_f1 >= 0.95; fpir <= 0.01'.
#
# Exit codes: 0; 4 where an assertion failed; 65 where the data did not suffice for calibration or
# evaluation (the rest is there); otherwise that of the tool that failed.
set -eu -o pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck disable=SC1091
source "$here/scripts/signals.bash"

die() { # CODE MESSAGE
    echo "tune: $2" >&2
    exit "$1"
}
usage() {
    sed -n '2,/^set -eu/{/^#/!d;s/^# \{0,1\}//;p}' "$0"
}
force=''
case ${1-} in
--help | -h) usage; exit 0 ;;
--force) force=yes; shift ;;
esac
[[ ${1-} != -* ]] || { usage >&2; die 2 "'$1' is no option"; }
[ $# -ge 2 ] || { usage >&2; exit 2; }
gt=$1
shift
stores=("$@")
dir=${TUNE_DIR:-runs/tune}
fractions=${TUNE_FRACTIONS:-0.3,0.5,0.2}
max_fpir=${MAX_FPIR:-0.01}
[ "$max_fpir" = none ] && objective=${OBJECTIVE:-f1} || objective=${OBJECTIVE:-fnir@fpir=$max_fpir}

# ---- what can be said before anything is read ----

number='([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?'
check() { # NAME VALUE PATTERN WHAT
    [[ $2 =~ ^($3)$ ]] || die 2 "$1 '$2' is not $4"
}
check_range() { # NAME VALUE LOW HIGH
    check "$1" "$2" "$number" "a number from $3 to $4"
    awk -v x="$2" -v low="$3" -v high="$4" 'BEGIN { exit !(x + 0 >= low + 0 && x + 0 <= high + 0) }' ||
        die 2 "$1 '$2' is not a number from $3 to $4"
}
check TUNE_BY "${TUNE_BY:=}" '|store|day' 'store or day'
check TUNE_FRACTIONS "$fractions" "$number,$number,$number" 'three numbers with commas between them'
check TUNE_SEED "${TUNE_SEED:-0}" '[0-9]{1,15}' 'a whole number'
check BOOTSTRAP "${BOOTSTRAP:-0}" '[0-9]{1,6}' 'a whole number'
[ "$max_fpir" = none ] || check_range MAX_FPIR "$max_fpir" 0.000001 0.5
check_range CONFIDENCE "${CONFIDENCE:-0.95}" 0.5 0.999999
check OBJECTIVE "$objective" "f1|bcubed-f1|(precision@recall|recall@precision|fnir@fpir)=$number" \
    'f1, bcubed-f1, precision@recall=R, recall@precision=P or fnir@fpir=X'
grid="-?$number(:-?$number:$number)?"
for name in THRESHOLDS MARGINS; do
    [ -z "${!name:-}" ] || check $name "${!name}" "$grid(,$grid)*" 'a grid: LO:HI:STEP, or numbers with commas between them'
done
for file in "$gt" "${stores[@]}"; do
    [ -e "$file" ] || die 66 "$file: no such file"
    [ -r "$file" ] || die 66 "$file cannot be read"
done
bin=$(dirname "$(command -v rid-sweep || echo "$here/build/release/bin/rid-sweep")")
for tool in gt sweep calibrate manifest eval; do
    [ -x "$bin/rid-$tool" ] || die 78 "no rid-$tool in $bin; run make"
done
assertions=()
while IFS= read -r condition; do
    [ -z "${condition// /}" ] || assertions+=(--assert "$condition")
done < <(tr ';' '\n' <<<"${ASSERT:-}")
# rid-eval looks at conditions before it looks for documents.
code=0
answer=$("$bin/rid-eval" manifest --gt "$gt" --dry-run "${assertions[@]}" /dev/null/none 2>&1) || code=$?
[ $code -ne 2 ] || { echo "$answer" >&2; die 2 'ASSERT holds a condition that is none'; }
results=(parts sweep point.json errors.csv decision.txt {manifests,evaluation}-{now,swept,calibrated}{,.json})
log=$dir/log earlier=$dir/.earlier complete=''
move_results() { # FROM TO
    local name
    for name in "${results[@]}"; do
        [ ! -e "$1/$name" ] || mv -T "$1/$name" "$2/$name"
    done
}
remove_results() {
    local name
    for name in "${results[@]}"; do rm -rf "${dir:?}/$name"; done
}
# The results of an earlier run stand aside until this one has its own. Whenever a run is killed, the next one
# brings them back: all of them are in $earlier, or some in $earlier.part and the others where they belong.
set_aside() {
    mkdir "$earlier.part"
    move_results "$dir" "$earlier.part"
    mv -T "$earlier.part" "$earlier"
}
bring_back() {
    if [ -d "$earlier" ]; then
        remove_results
        mv -T "$earlier" "$earlier.part"
    fi
    [ ! -d "$earlier.part" ] || { move_results "$earlier.part" "$dir" && rmdir "$earlier.part"; }
}
bring_back
for name in "${results[@]}"; do
    [ -n "$force" ] || [ ! -e "$dir/$name" ] || die 2 "$dir/$name exists; add --force to replace it"
done
[ ! -e "$dir" ] || [ -d "$dir" ] || die 2 "$dir is not a folder"
{ mkdir -p "$dir" && [ -w "$dir" ]; } 2>/dev/null || die 74 "the folder $dir cannot be made or written to"

trap 'rm -f "$log.now"; if [ -n "$complete" ]; then rm -rf "${earlier:?}"; else bring_back; fi' EXIT
set_aside
: >"$log"

# ---- running ----

try() { # COMMAND...: its exit code; what it says goes to the log
    printf '$ %s\n' "$*" >>"$log"
    local code=0
    passing "$@" 2>"$log.now" || code=$?
    cat "$log.now" >>"$log"
    return $code
}
must() { # COMMAND...: or the end, with what it said
    local code=0
    try "$@" || code=$?
    [ $code -ne 0 ] || return 0
    cat "$log.now" >&2
    die $code "$(basename "$1") failed with $code; all of it is in $log"
}
said() { # of the last command, a message that holds TEXT: without the program's name
    grep -F -- "$1" "$log.now" | head -n 1 | sed -E 's/^rid-[a-z]+: (warning: |error: )?//'
}
figure() { # FILE KEY: the first number or word behind "KEY":
    grep -oE "\"$2\":(\"[^\"]*\"|[-+.0-9a-z]+)" "$1" | head -n 1 | sed 's/^"[^"]*"://; s/"//g'
}

# ---- parts ----

split() { # BY NAMES FRACTIONS
    try "$bin/rid-gt" split --gt "$gt" --by "$1" --assign quota --names "$2" --fractions "$3" \
        --seed "${TUNE_SEED:-0}" -o "$dir/parts" "${stores[@]}"
}
parts='' by='' calibrated='' evaluated='' incomplete=0
divide() {
    local names=sweep,calibrate,evaluate code
    [ "$max_fpir" != none ] || { names=sweep,evaluate; fractions=0.6,0.4; }
    for names in $names sweep,evaluate; do
        [ "$names" != sweep,evaluate ] || fractions=0.6,0.4
        for by in ${TUNE_BY:-store day}; do
            code=0
            split "$by" "$names" "$fractions" || code=$?
            [ $code -ne 0 ] || { parts=$names; return 0; }
            [ $code -eq 65 ] || { cat "$log.now" >&2; die $code "rid-gt split failed with $code"; }
        done
    done
}
divide
case $parts in
sweep,calibrate,evaluate) labels=$dir/parts/sweep.json calibrated=yes evaluated=yes ;;
sweep,evaluate) labels=$dir/parts/sweep.json evaluated=yes ;;
*) labels=$gt ;;
esac
part_lines=$([ -z "$parts" ] || grep -E '^rid-gt: (sweep|calibrate|evaluate): ' "$log.now" |
    sed -E 's/^rid-gt: ([a-z]+): (.*); .*/  \1|\2/' | awk -F '|' '{ printf "%-12s %s\n", $1, $2 }')

# ---- sweep, calibration ----

# Where the scores are depends on the encoder: they may all be between 0.98 and 1.
grids=()
[ -n "${THRESHOLDS:-}${MARGINS:-}" ] || grids+=(--grid auto:200)
[ -z "${THRESHOLDS:-}" ] || grids+=(--threshold "$THRESHOLDS")
[ -z "${MARGINS:-}" ] || grids+=(--margin "$MARGINS")
[ -z "${BOOTSTRAP:-}" ] || grids+=(--bootstrap "$BOOTSTRAP")
must "$bin/rid-sweep" --gt "$labels" --objective "$objective" "${grids[@]}" --seed "${TUNE_SEED:-0}" \
    -o "$dir/sweep" "${stores[@]}"
sweep_line=$(said ' at threshold ')
point=$dir/sweep/best.json

if [ -n "$calibrated" ]; then
    code=0
    # The thresholds of the sweep, which do not come from the stores of the bound.
    tried=$(grep "^$(figure "$point" nn2)," "$dir/sweep/surface.csv" | cut -d, -f2 | awk '{ printf "%.9f\n", $1 }' |
        sort -u | paste -sd,)
    clusters=bucket # days to come of these stores
    [ "$by" != store ] || clusters=store # stores to come
    try "$bin/rid-calibrate" --gt "$dir/parts/calibrate.json" --sweep "$dir/sweep/best.json" \
        --clusters $clusters --max-fpir "$max_fpir" --confidence "${CONFIDENCE:-0.95}" --grid "$tried" -o "$dir/point.json" "${stores[@]}" || code=$?
    case $code in
    0) calibrated=yes point=$dir/point.json calibration_line=$(said ' confidence FPIR ') ;;
    65) calibrated='' incomplete=65 calibration_line="not calibrated: $(said 'error: ')" ;;
    *) cat "$log.now" >&2; die $code "rid-calibrate failed with $code" ;;
    esac
elif [ "$max_fpir" = none ]; then
    calibration_line='not asked for'
else
    incomplete=65
    calibration_line='not calibrated: that needs stores (or days) of its own, three in all with those of sweep and evaluation'
fi

# ---- evaluation ----

evaluate() { # NAME [OPTION OF rid-manifest...]; extra: options of rid-eval
    local name=$1
    shift
    must "$bin/rid-manifest" "$@" --labelled-in "$dir/parts/evaluate.json" --embeddings none \
        -o "$dir/manifests-$name" "${stores[@]}"
    try "$bin/rid-eval" manifest --gt "$dir/parts/evaluate.json" --json -o "$dir/evaluation-$name.json" \
        "${extra[@]}" "$dir/manifests-$name"
}
row() { # NAME
    local f=$dir/evaluation-$1.json m
    m=$(find "$dir/manifests-$1" -name '*.json' | head -n 1)
    printf '%-11s %-9s %9.4g %7.3g %10.3f %7.3f %7.3f %7s %7s %7d %7d\n' "$1" "$(figure "$m" nn2)" \
        "$(figure "$m" threshold)" "$(figure "$m" margin)" "$(figure "$f" pairwise_precision)" \
        "$(figure "$f" pairwise_recall)" "$(figure "$f" pairwise_f1)" "$(rate "$f" fnir)" "$(rate "$f" fpir)" \
        "$(figure "$f" persons)" "$(figure "$f" true_persons)"
}
rate() { # FILE KEY: - where it is not defined
    figure "$1" "$2" | awk '{ if ($1 == "null") print "-"; else printf "%.4f", $1 }'
}
verdict=0 names=(now)
if [ -n "$evaluated" ]; then
    extra=()
    evaluate now || die $? "rid-eval failed: $(cat "$log.now")"
    if [ -n "$calibrated" ]; then
        evaluate swept --point "$dir/sweep/best.json" || die $? "rid-eval failed: $(cat "$log.now")"
        names+=(swept)
    fi
    chosen=$([ -n "$calibrated" ] && echo calibrated || echo swept)
    names+=("$chosen")
    extra=(--errors "$dir/errors.csv" "${assertions[@]}")
    evaluate "$chosen" --point "$point" || verdict=$?
    [ $verdict -eq 0 ] || [ $verdict -eq 4 ] || die $verdict "rid-eval failed: $(cat "$log.now")"
else
    incomplete=65
fi

# ---- the screen ----

screen() {
    if [ -n "$parts" ]; then
        printf 'Parts, by %s (ground truth of each: %s/parts)\n%s\n\n' "$by" "$dir" "$part_lines"
    else
        printf 'One store and day, or ground truth of one: nothing to divide, all is swept.\n\n'
    fi
    printf 'Sweep (%s): %s\n' "$objective" "$sweep_line"
    printf 'Calibration: %s\n\n' "$calibration_line"
    if [ -n "$evaluated" ]; then
        printf 'On the part for evaluation, which nothing was chosen on; now is rid-manifest as it is set up:\n'
        printf '%-11s %-9s %9s %7s %10s %7s %7s %7s %7s %7s %7s\n' '' RULE THRESHOLD MARGIN PRECISION RECALL F1 \
            FNIR FPIR PERSONS IN-TRUTH
        for name in "${names[@]}"; do row "$name"; done
        printf '\nErrors of the last row: %d false merges, %d splits (%s)\n' \
            "$(figure "$dir/evaluation-$chosen.json" false_merges)" \
            "$(figure "$dir/evaluation-$chosen.json" splits)" "$dir/errors.csv"
        grep -E '^rid-eval: error: assertion failed' "$log" | sed 's/^rid-eval: error: a/A/' || true
        [ $verdict -ne 0 ] || [ ${#assertions[@]} -eq 0 ] || echo "All $((${#assertions[@]} / 2)) assertions hold."
    else
        printf 'Not evaluated: the figures of the sweep are of the data they were chosen on, and too good.\n'
    fi
    grep ' warning: ' "$log" | sort -u | head -n 6 | sed 's/: warning: /: /' || true
    printf 'Use it:  rid-manifest --point %s …\nReport:  %s\n' "$point" "$dir/sweep/report.html"
}
screen >"$dir/decision.txt"
complete=yes
cat "$dir/decision.txt"
[ $verdict -eq 0 ] || exit $verdict
exit $incomplete
