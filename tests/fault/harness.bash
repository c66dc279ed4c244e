# What tests/cli/kill.sh and fault.sh share: tools at work on an output that is already there, under
# libfault.so (see libfault.c). Source tests/cli/lib.bash before.
#
# A subject is a function that sets
#   command=(…)   writes below $out, and may replace what is there
#   main=FILE     the output that must stay as it was when the command fails; empty: it writes several
#                 documents, each of which must be the old or the new one
#   stdin=FILE
# Its files: $out.before (the output of an earlier run), $out.after (of a run that ended well).
LIBFAULT=$(dirname "$BIN")/test/libfault.so
[ -e "$LIBFAULT" ] || { skip "$(basename "$0")" 'libfault.so is not built'; finish; }
PRELOAD=$LIBFAULT
if [ "$MODE" = asan ]; then
    asan=$(${CC:-gcc} -print-file-name=libasan.so 2>/dev/null)
    [ -e "$asan" ] || { skip "$(basename "$0")" 'libasan.so is not found'; finish; }
    PRELOAD="$asan $LIBFAULT"
    # HDF5 leaks where its close fails.
    export ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=99}:detect_leaks=0
fi
out=$(pwd -P)/out

# How large the inputs are: SIZE persons (make soak takes more).
SIZE=${SIZE:-5}
prepare_inputs() {
    rid-synth -q --seed 1 --people "$SIZE" --stores 2 --vis-dim 24 --emb-dim 8 -o old.jsonl --ckpt-out m.pt
    rid-synth -q --seed 2 --people "$SIZE" --stores 2 --vis-dim 24 -o new.jsonl
    { cat new.jsonl; echo '{"broken"'; head -n 2 new.jsonl; } >mixed.jsonl
    rid-encode -q --encoder mean -o old.h5 old.jsonl
    rid-encode -q --encoder mean -o new.h5 new.jsonl
    rid-encode -q --encoder mean --shard 0/2 -o a.h5 new.jsonl
    rid-encode -q --encoder mean --shard 1/2 -o b.h5 new.jsonl
}

subject_encode() {
    command=(rid-encode -q --ckpt m.pt --force -o $out/o.h5 mixed.jsonl)
    earlier=(rid-encode -q --encoder mean --force -o $out/o.h5 old.jsonl)
    main=o.h5
}
subject_reencode() {
    command=(rid-encode -q --encoder mean --frames f16 --force -o $out/o.h5 new.h5)
    earlier=(rid-encode -q --encoder mean --force -o $out/o.h5 --max-rejects 1 old.jsonl bad.jsonl)
    echo '{' >bad.jsonl
    main=o.h5
}
subject_synth() {
    command=(rid-synth -q --people "$SIZE" --vis-dim 24 --seed 2 --force -o $out/d.jsonl --gt $out/gt.json
        --schema-out $out/s.json --ckpt-out $out/m.pt)
    earlier=(rid-synth -q --people "$SIZE" --vis-dim 24 --seed 1 --fusion xattn --force -o $out/d.jsonl
        --gt $out/gt.json --schema-out $out/s.json --ckpt-out $out/m.pt)
    main=''
}
subject_manifest() {
    command=(rid-manifest -q --force -o $out new.h5)
    earlier=(rid-manifest -q --force -o $out old.h5)
    main=''
}
subject_continue() { # what is already done is left, the rest is made
    command=(rid-manifest -q --skip-existing -o $out new.h5)
    earlier=(rid-manifest -q --force -o $out old.h5)
    main=''
}
subject_document() {
    command=(rid-manifest -q --force --store nc0001 -o $out/m.json new.h5)
    earlier=(rid-manifest -q --force --store nc0001 -o $out/m.json old.h5)
    main=m.json
}
subject_merge() {
    command=(rid-store merge -q --force -o $out/m.h5 a.h5 b.h5)
    earlier=(rid-store merge -q --force -o $out/m.h5 old.h5)
    main=m.h5
}
subject_export() {
    command=(rid-store export -q --force -o $out/x.jsonl new.h5)
    earlier=(rid-store export -q --force -o $out/x.jsonl old.h5)
    main=x.jsonl
}
subject_match() {
    command=(rid-match -q --encoder mean --force --persist $out/p.h5 mixed.jsonl)
    earlier=(rid-match -q --encoder mean --force --persist $out/p.h5 old.jsonl)
    main=p.h5
}
subjects() { # those that are built
    local s
    for s in encode reencode synth manifest continue document merge export match; do
        case $s in
        merge | export) [ -x "$BIN/rid-store" ] || continue ;;
        match) [ -x "$BIN/rid-match" ] || continue ;;
        esac
        echo $s
    done
}

# Makes $out.before and $out.after, and the order of calls of the command: calls, one a line.
prepare_subject() { # NAME
    command=() earlier=() main=''
    "subject_$1"
    rm -rf $out $out.before $out.after calls
    mkdir $out
    "${earlier[@]}" >/dev/null 2>"$TMP/.err" || fail "the earlier run: exit $?"
    cp -a $out $out.before
    FAULT_DIR=$out FAULT_LOG=$PWD/calls LD_PRELOAD=$PRELOAD "${command[@]}" >/dev/null 2>"$TMP/.err"
    ends_well=$?
    cp -a $out $out.after
    [ $ends_well = 0 ] || [ $ends_well = 3 ] || fail "the run itself: exit $ends_well"
    diff -rq $out.before $out.after >/dev/null && fail 'the earlier output is no other than the new one'
}

restore() {
    rm -rf $out
    cp -a $out.before $out
}

# With the Nth call of these kinds hit by a fault. Sets CODE.
run_with_fault() { # KINDS N WHAT
    rm -f hit
    COMMAND="FAULT_DIR=$out FAULT_CALL=$1 FAULT_AT=$2 FAULT_DO=$3 ${command[*]}"
    FAULT_DIR=$out FAULT_CALL=$1 FAULT_AT=$2 FAULT_DO=$3 FAULT_LOG=$PWD/hit LD_PRELOAD=$PRELOAD \
        "${command[@]}" >"$TMP/.out" 2>"$TMP/.err"
    CODE=$?
}

# Every file of the output is whole: what it was before, or what the run was to make of it.
expect_old_or_new() { # WHERE
    local f
    while IFS= read -r f; do
        case $f in
        *.rid-tmp-*) continue ;;
        esac
        cmp -s "$out/$f" "$out.before/$f" || cmp -s "$out/$f" "$out.after/$f" ||
            fail "$1: $f is neither the old nor the new one"
    done < <(cd $out && find . -type f)
    while IFS= read -r f; do # what was there may only be missing where the new run has none of it
        [ -e "$out/$f" ] || [ ! -e "$out.after/$f" ] || fail "$1: $f is gone"
    done < <(cd $out.before && find . -type f)
}

# Without a fault, on what is left: succeeds, and leaves nothing else behind.
expect_recovery() { # WHERE
    local code
    "${command[@]}" >/dev/null 2>"$TMP/.err"
    code=$?
    [ $code = $ends_well ] || fail "$1: the next run ends with $code"
    diff -rq $out $out.after >"$TMP/.diff" 2>&1 || fail "$1: after the next run: $(cat "$TMP/.diff")"
}
