# modes: release
# rid-calibrate with two outputs, the point and the copy of the checkpoint: where it fails, a full disk or an
# error of writing, neither of the two has changed; killed at a renaming, each is the old or the new one.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-synth rid-encode rid-calibrate
source "$SRC/tests/fault/harness.bash"

rid-synth -q --people 20 --stores 3 --frames 2:2 --vis-dim 16 --emb-dim 8 --seed 2 --ckpt-out m.pt --gt gt.json -o day.jsonl
rid-encode -q --ckpt m.pt -o day.h5 day.jsonl
subject_calibrate() {
    earlier=(rid-calibrate -q --gt gt.json --max-fpir 0.4 --ckpt m.pt --ckpt-out $out/c.pt --force -o $out/p.json day.h5)
    command=("${earlier[@]}" --confidence 0.8)
    main=''
}
prepare_subject calibrate

begin 'neither of the two changes where one cannot be written'
failed=0 tried=0
for what in full eio; do
    n=$(grep -cE ' (write|fsync|create) ' calls)
    for ((at = 1; at <= n; at++)); do
        restore
        run_with_fault write,fsync,create $at $what
        tried=$((tried + 1))
        where="$what at call $at ($(tail -n 1 hit | cut -d' ' -f2))"
        case $CODE in
        0) diff -rq $out $out.after >/dev/null || fail "$where: success, and another output" ;;
        74)
            failed=$((failed + 1))
            [ -s "$TMP/.err" ] || fail "$where: exit 74 without a word"
            # The fsync of the folder comes behind a rename.
            if [ -d "$(sed -n "${at}p" hit | cut -d' ' -f3-)" ]; then
                expect_old_or_new "$where"
            else
                diff -rq $out $out.before >"$TMP/.diff" 2>&1 || fail "$where: $(cat "$TMP/.diff")"
            fi
            ;;
        *) fail "$where: exit $CODE" ;;
        esac
        [ -z "$test_why" ] || break 2
    done
done
[ -n "$test_why" ] || [ $failed -ge $((tried / 2)) ] || fail "only $failed of $tried runs failed"
expect_recovery 'at the end'

begin 'killed at a renaming'
for at in 1 2; do
    for what in kill-before kill-after; do
        restore
        { run_with_fault rename $at $what; } 2>/dev/null
        expect_code 137
        expect_old_or_new "$what renaming $at"
        expect_recovery "$what renaming $at"
    done
done
finish
