# modes: release asan
# ENOSPC, EIO and short writes at every second call (STEP): the run ends with 74 and the previous output stays, or
# it can do without that call and the output is right; it never crashes.
# Known exception: where the fsync of the folder fails after the rename, the run ends with 74 and the
# new output is in place, whole.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest rid-synth
source "$SRC/tests/fault/harness.bash"
STEP=${STEP:-2} # every how many calls; make soak takes each
[ "$MODE" = release ] || STEP=${ASAN_STEP:-4}

prepare_inputs

# Was the call that was hit the fsync of a folder?
hit_folder() { # N
    sed -n "$1p" hit | grep -q ' fsync ' && [ -d "$(sed -n "$1p" hit | cut -d' ' -f3-)" ]
}

# Was it the removal of a file? Then that stays, for the next run to remove.
hit_removal() { # N
    sed -n "$1p" hit | grep -q ' unlink '
}

judge() { # WHERE N KIND-OF-FAULT
    case $CODE in
    0 | 3)
        expect_code $ends_well
        ! hit_removal "$2" || find $out -name '*.rid-tmp-*' -delete # the next run would
        diff -rq $out $out.after >"$TMP/.diff" 2>&1 || fail "$1: success with a wrong output: $(cat "$TMP/.diff")"
        ;;
    74)
        [ "$3" != short ] || fail "$1: a short write is no error"
        expect_old_or_new "$1"
        [ -z "$main" ] || hit_folder "$2" || cmp -s "$out/$main" "$out.before/$main" ||
            fail "$1: exit 74, and the output is another"
        [ -s "$TMP/.err" ] || fail "$1: exit 74 without a word"
        hit_removal "$2" || [ -z "$(find $out -name '*.rid-tmp-*')" ] || fail "$1: a temporary file is left"
        ;;
    *) fail "$1: exit $CODE" ;;
    esac
}

for subject in $(subjects); do
    begin "fault: $subject: ENOSPC, EIO, short writes at every call"
    prepare_subject "$subject"
    n=$(grep -c . calls)
    failed=0 tried=0
    for what in eio full short; do
        case $what in
        eio) kinds=any ;;
        full) kinds=write,create,mkdir,truncate ;;
        short) kinds=write ;;
        esac
        most=$(grep -cE " (${kinds//,/|}) " calls)
        [ $kinds != any ] || most=$n
        for ((at = 1; at <= most; at += STEP)); do
            restore
            run_with_fault $kinds $at $what
            tried=$((tried + 1))
            [ $CODE != 74 ] || failed=$((failed + 1))
            judge "$what at call $at ($(sed -n "${at}p" hit | cut -d' ' -f2))" $at $what
            [ -z "$test_why" ] || break 2
        done
    done
    [ -n "$test_why" ] || [ $failed -ge $((tried / 3)) ] || fail "only $failed of $tried runs failed"
    expect_recovery 'at the end'

    begin "fault: $subject: EIO at every reading back"
    rm -f hit
    restore
    FAULT_DIR=$out FAULT_CALL=read FAULT_LOG=$PWD/hit LD_PRELOAD=$PRELOAD "${command[@]}" >/dev/null 2>&1
    n=$(cat hit 2>/dev/null | wc -l)
    [ "$n" -gt 0 ] || fail 'nothing is read back'
    for ((at = 1; at <= n; at += STEP * 3)); do
        restore
        run_with_fault read $at eio
        judge "EIO at reading $at of $n" $at eio
        [ -z "$test_why" ] || break
    done
done

# ---- inputs that cannot be read, and standard output ----

# NAME FOLDER COMMAND...: EIO at every read of the files in that folder
unreadable() {
    local name=$1 folder=$2 n at
    shift 2
    begin "fault: $name"
    rm -f hit o.h5
    FAULT_DIR=$folder FAULT_CALL=read FAULT_LOG=$PWD/hit LD_PRELOAD=$PRELOAD "$@" >/dev/null 2>&1
    n=$(wc -l <hit)
    [ "$n" -gt 0 ] || fail 'nothing is read'
    # The first look at a payload file only asks whether it is a store.
    for ((at = $([ "$folder/new.h5" = "${!#}" ] && echo 1 || echo 2); at <= n; at += STEP)); do
        rm -rf o.h5 m
        COMMAND="FAULT_DIR=$folder FAULT_CALL=read FAULT_AT=$at FAULT_DO=eio $*"
        FAULT_DIR=$folder FAULT_CALL=read FAULT_AT=$at FAULT_DO=eio LD_PRELOAD=$PRELOAD "$@" >"$TMP/.out" 2>"$TMP/.err"
        CODE=$?
        expect_code 74
        expect_no_file o.h5 m
        expect_no_temporaries
        [ -z "$test_why" ] || break
    done
}
mkdir in
in=$(pwd -P)/in
cp new.jsonl new.h5 m.pt in/
gzip -nc new.jsonl >in/new.jsonl.gz
unreadable 'EIO in payloads' "$in" rid-encode -q --encoder mean -o o.h5 "$in/new.jsonl"
unreadable 'EIO in compressed payloads' "$in" rid-encode -q --encoder mean -o o.h5 "$in/new.jsonl.gz"
unreadable 'EIO in a checkpoint' "$in" rid-encode -q --ckpt "$in/m.pt" -o o.h5 new.jsonl
unreadable 'EIO in a store' "$in" rid-encode -q --encoder mean -o o.h5 "$in/new.h5"

begin 'fault: ENOSPC on standard output'
for tool in 'rid-synth --people 3 --vis-dim 8' 'rid-manifest --store nc0001 -o - new.h5' \
    'rid-match --encoder mean new.jsonl' 'rid-store export new.h5' 'rid-encode --help'; do
    [ -x "$BIN/${tool%% *}" ] || continue
    COMMAND="$tool, ENOSPC on standard output"
    FAULT_DIR=$out FAULT_STDOUT=1 FAULT_CALL=write FAULT_AT=1 FAULT_DO=full LD_PRELOAD=$PRELOAD \
        $tool >"$TMP/.out" 2>"$TMP/.err"
    CODE=$?
    expect_code 74
    expect_err 'No space left on device'
done
begin 'fault: short writes on standard output'
rid-manifest -q --store nc0001 -o - new.h5 >whole.json
for at in 1 2 3 4; do
    COMMAND='rid-manifest -o -, a short write'
    FAULT_DIR=$out FAULT_STDOUT=1 FAULT_CALL=write FAULT_AT=$at FAULT_DO=short LD_PRELOAD=$PRELOAD \
        rid-manifest -q --store nc0001 -o - new.h5 >short.json 2>"$TMP/.err"
    CODE=$?
    expect_code 0
    expect_same short.json whole.json
done
finish
