# Where payloads come from, and what becomes of inputs that are missing, empty or damaged.
set -u
source "$SRC/tests/cli/lib.bash"
need rid-encode rid-manifest

encode() { # ARGUMENT...: afresh
    rm -rf o.h5 o.h5.rejects.jsonl
    run rid-encode --encoder mean -o o.h5 --summary-json s.json "$@"
}
good a >a.jsonl
good b >b.jsonl
good c >c.jsonl
cat a.jsonl b.jsonl c.jsonl >abc.jsonl
gzip -nk abc.jsonl
zstd -q abc.jsonl

# ---- nothing to read ----

nothing() { # NAME ARGUMENT...
    begin "no input: $1"
    shift
    encode "$@"
    expect_code 66
    expect_no_file o.h5 o.h5.rejects.jsonl
    expect_no_temporaries
}
: >empty.jsonl
printf '\n  \n\r\n' >blank.jsonl
gzip -nc empty.jsonl >empty.jsonl.gz
: >zero.gz
mkdir -p nothing/here
echo 'notes' >nothing/readme.txt
nothing 'an empty file' empty.jsonl
nothing 'a file of blanks' blank.jsonl
nothing 'an empty file, compressed' empty.jsonl.gz
nothing 'a .gz of no bytes' zero.gz
nothing 'a directory without payloads' nothing
nothing 'a file that is not there' gone.jsonl
expect_err gone.jsonl
nothing 'a good file and one that is not there' a.jsonl gone.jsonl
nothing 'a file taken for a folder' a.jsonl/x.jsonl

begin 'no input: empty standard input'
run rid-encode --encoder mean -o o.h5 - </dev/null
expect_code 66
expect_no_file o.h5

begin 'an empty file beside a good one is nothing special'
encode empty.jsonl a.jsonl blank.jsonl
expect_code 0
expect_ids o.h5 a

begin 'nothing accepted: nothing published'
echo '{"entry_id":' >bad.jsonl
encode bad.jsonl
expect_code 65
expect_no_file o.h5
expect_err 'all 1 payloads were rejected'
expect_equal exit "$(json_value s.json exit)" 65

begin 'nothing accepted: the old output stays'
cp a.jsonl old
run rid-encode --encoder mean -o old --force bad.jsonl
expect_code 65
expect_same old a.jsonl

# ---- many inputs ----

begin 'a directory: all below, by name; other files left alone'
mkdir -p d/2 d/10 d/.hidden
cp a.jsonl d/2/x.jsonl
good b >d/10/x.json
good c | gzip -n >d/y.jsonl.gz
good d | zstd -q >d/z.json.zst
good e >d/.hidden/x.jsonl
good f >d/.x.jsonl
good g >d/x.txt
good h >d/o.h5.rejects.jsonl
encode -v d
expect_code 0
expect_ids o.h5 a b c d

begin 'the same as its files by hand, in that order'
cp o.h5 from_folder.h5
encode d/10/x.json d/2/x.jsonl d/y.jsonl.gz d/z.json.zst
expect_code 0
expect_same o.h5 from_folder.h5

begin 'a directory with a link to itself ends'
ln -s ../d d/loop
encode d
expect_code 0
expect_same o.h5 from_folder.h5
rm d/loop

begin 'standard input is the default'
run rid-encode --encoder mean --force -o o.h5 <abc.jsonl
expect_code 0
expect_ids o.h5 a b c

begin 'compression is told by the bytes, not by the name'
cp abc.jsonl.gz plain.jsonl
cp abc.jsonl named.jsonl.gz
encode plain.jsonl
expect_code 0
cp o.h5 plain.h5
encode named.jsonl.gz
expect_code 0
expect_same o.h5 plain.h5

begin 'several gzip members and zstd frames in one file'
cat <(gzip -nc a.jsonl) <(gzip -nc b.jsonl) <(gzip -nc c.jsonl) >m.gz
encode m.gz
expect_code 0
expect_same o.h5 plain.h5
cat <(zstd -qc a.jsonl) <(zstd -qc b.jsonl) <(zstd -qc c.jsonl) >m.zst
encode m.zst
expect_code 0
expect_same o.h5 plain.h5

# ---- duplicates ----

same_id() { # FRAMES
    printf '{"entry_id":"twin","day_id":"%s","store_id":"s1","embeddings":[%s]}\n' $DAY "$1"
}
embedding_of() { # STORE ID
    rid-manifest -q --embeddings fused -o - "$1" | grep -oP "\"entry_id\":\"$2\".*?\"embeddings\":\K\[\[[^]]*\]\]"
}
same_id '[1,0,0,0]' >t1.jsonl
same_id '[0,1,0,0]' >t2.jsonl

begin 'a duplicate id in one file: the later payload replaces the earlier, counted'
cat t1.jsonl a.jsonl t2.jsonl >twins.jsonl
encode twins.jsonl
expect_code 0
expect_equal duplicates "$(json_value s.json duplicates)" 1
expect_equal accepted "$(json_value s.json accepted)" 3
expect_ids o.h5 a twin
expect_equal embedding "$(embedding_of o.h5 twin)" '[[0,1,0,0]]'

begin 'a duplicate id in another file'
encode t2.jsonl a.jsonl t1.jsonl
expect_code 0
expect_equal duplicates "$(json_value s.json duplicates)" 1
expect_ids o.h5 a twin
expect_equal embedding "$(embedding_of o.h5 twin)" '[[1,0,0,0]]'

begin 'a duplicate id leaves no trace: the store of the later payloads alone is the same'
encode a.jsonl t2.jsonl
cp o.h5 without.h5
encode t1.jsonl a.jsonl t2.jsonl
expect_same o.h5 without.h5

begin 'a duplicate id in another day moves the entry'
sed 's/-06"/-07"/' t2.jsonl >t3.jsonl
encode t1.jsonl a.jsonl t3.jsonl
expect_code 0
run rid-manifest -q --embeddings none -o moved o.h5
grep -q twin moved/2025-11-07/s1.json || fail 'it is not in its new day'
! grep -q twin moved/2025-11-06/s1.json || fail 'it is still in its old day'

begin 'a rejected duplicate replaces nothing'
{ cat t1.jsonl; same_id '[1,NaN,0,0]'; } >twins.jsonl
encode twins.jsonl
expect_code 3
expect_equal embedding "$(embedding_of o.h5 twin)" '[[1,0,0,0]]'

# ---- damage ----

# 1,000 payloads that do not compress to nothing.
awk -v day=$DAY 'BEGIN {
    srand(7)
    for (i = 0; i < 1000; i++) {
        printf "{\"entry_id\":\"e%03d\",\"day_id\":\"%s\",\"store_id\":\"s1\",\"embeddings\":[[", i, day
        for (k = 0; k < 64; k++) printf "%s%.6f", k % 4 ? "," : k ? "],[" : "", rand() - 0.5
        print "]]}"
    }
}' >many.jsonl
gzip -nk many.jsonl
zstd -qk many.jsonl

for kind in gz zst; do
    for keep in 50 90; do
        begin "a .$kind cut at $keep%: what came before is kept"
        size=$(stat -c %s many.jsonl.$kind)
        head -c $((size * keep / 100)) many.jsonl.$kind >cut.jsonl.$kind
        encode cut.jsonl.$kind a.jsonl
        expect_code 3
        expect_equal rejects "$(json_value s.json rejected)" 1
        grep -q '"file":"cut.jsonl.'$kind'".*"reason":"unreadable_input"' o.h5.rejects.jsonl ||
            fail "rejects: $(cat o.h5.rejects.jsonl)"
        [ "$(json_value s.json accepted)" -gt $((keep * 5)) ] ||
            fail "only $(json_value s.json accepted) of 1000 accepted"
        ids o.h5 | grep -q '"a"' || fail 'the file behind it is lost'
    done

    begin "a .$kind cut inside its magic number"
    head -c 2 many.jsonl.$kind >cut.jsonl.$kind
    encode a.jsonl cut.jsonl.$kind b.jsonl
    expect_code 3
    expect_reject_count o.h5.rejects.jsonl 1
    expect_ids o.h5 a b

    begin "a .$kind with a flipped byte, everywhere: no crash, the others survive"
    size=$(stat -c %s abc.jsonl.$kind)
    for ((at = 0; at < size; at += 3)); do
        cp abc.jsonl.$kind flip.jsonl.$kind
        printf "\\x$(printf %02x $((at * 37 % 255 + 1)))" |
            dd of=flip.jsonl.$kind bs=1 seek=$at conv=notrunc status=none
        encode a.jsonl flip.jsonl.$kind
        expect_code 0 3
        ids o.h5 | grep -q '"a"' || fail "byte $at: the good file is lost"
    done
done

begin 'a .gz that breaks off behind a whole payload keeps it'
size=$(stat -c %s abc.jsonl.gz)
head -c $((size - 4)) abc.jsonl.gz >cut.jsonl.gz
encode cut.jsonl.gz
expect_code 3
expect_reject_count o.h5.rejects.jsonl 1
expect_ids o.h5 a b c

begin 'text behind a gzip member'
{ gzip -nc a.jsonl; echo 'tail'; } >tail.gz
encode b.jsonl tail.gz
expect_code 3
expect_reject_count o.h5.rejects.jsonl 1
expect_ids o.h5 a b
finish
