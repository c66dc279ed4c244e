# Helpers of the command-line tests; each tests/cli/**/*.sh begins with
#
#   set -u
#   source "$SRC/tests/cli/lib.bash"
#
# and is a sequence of tests, each one `begin NAME`, commands and expectations; it ends with `finish`.
# A test fails with its first expectation that does not hold; the others go on.
# BIN (folder of the binaries), TMP (an empty folder, the working directory), SRC (the checkout) and
# MODE (release, asan) come from scripts/run-tests. By hand:
#
#   BIN=$PWD/build/release/bin TMP=$(mktemp -d) SRC=$PWD MODE=release bash tests/cli/encode/rejects.sh
export LC_ALL=C
export PATH=$BIN:$PATH
unset TERM
cd "$TMP" || exit 1

n_tests=0 n_failed=0
test_name='' test_why=''
CODE=0 COMMAND=''

end_test() {
    [ -n "$test_name" ] || return 0
    n_tests=$((n_tests + 1))
    if [ -z "$test_why" ]; then
        echo "ok $test_name"
    else
        n_failed=$((n_failed + 1))
        echo "not ok $test_name - $test_why"
    fi
    test_name='' test_why=''
}

begin() { # NAME: ends the test before, starts one
    end_test
    test_name=$1
    CODE=0 COMMAND=''
    : >"$TMP/.out"
    : >"$TMP/.err"
}

skip() { # NAME WHY
    end_test
    n_tests=$((n_tests + 1))
    echo "skip $1 - $2"
}

finish() {
    end_test
    echo "1..$n_tests"
    [ $n_failed -eq 0 ]
    exit
}

# Ends the script as skipped where a binary is not there (a library is missing).
need() { # BINARY...
    local b
    for b; do
        [ -x "$BIN/$b" ] || { skip "$b" 'not built'; finish; }
        # Or a program starts twice (tools/cli.c), and libtorch takes half a second each time.
        [ $b != rid-train ] || export OMP_WAIT_POLICY=passive
    done
}

fail() { # WHY, shown with the last command
    [ -z "$test_why" ] || return 0
    test_why=$(tr '\n' ' ' <<<"$1")
    if [ -n "$COMMAND" ]; then
        test_why+=$'\n'"# $COMMAND"$'\n'"# exit $CODE"
        test_why+=$'\n'$(tail -n 8 "$TMP/.err" | cut -c 1-400 | sed 's/^/# /')
    fi
}

# ---- running ----

run() { # COMMAND...: CODE is its exit code, $TMP/.out and .err what it wrote
    COMMAND=$(printf '%q ' "$@" | cut -c 1-600)
    "$@" >"$TMP/.out" 2>"$TMP/.err"
    CODE=$?
}

# ---- expecting ----

expect_code() { # N...: one of them
    local n
    for n; do
        [ "$CODE" -ne "$n" ] || return 0
    done
    fail "exit $CODE, expected $*"
}

expect_err() { # TEXT...: standard error holds each
    local text
    for text; do
        grep -qF -- "$text" "$TMP/.err" || fail "standard error does not say: $text"
    done
}

expect_no_err() { # nothing at all on standard error
    [ ! -s "$TMP/.err" ] || fail 'standard error is not empty'
}

expect_out() { # TEXT...: standard output holds each
    local text
    for text; do
        grep -qF -- "$text" "$TMP/.out" || fail "standard output does not hold: $text"
    done
}

expect_empty_out() {
    [ ! -s "$TMP/.out" ] || fail 'standard output is not empty'
}

expect_same() { # FILE FILE
    cmp -s -- "$1" "$2" || fail "$1 and $2 differ"
}

expect_different() { # FILE FILE
    ! cmp -s -- "$1" "$2" || fail "$1 and $2 are the same"
}

expect_file() { # FILE...
    local f
    for f; do
        [ -s "$f" ] || fail "$f is not there, or empty"
    done
}

expect_no_file() { # FILE...
    local f
    for f; do
        [ ! -e "$f" ] || fail "$f is there"
    done
}

expect_equal() { # WHAT FOUND EXPECTED
    [ "$2" = "$3" ] || fail "$1: found '$2', expected '$3'"
}

expect_at_most() { # WHAT FOUND LIMIT
    [ "${2:-x}" -le "$3" ] 2>/dev/null || fail "$1: ${2:-nothing}, more than $3"
}

expect_no_temporaries() { # [FOLDER]
    local left
    left=$(find "${1:-.}" -name '*.rid-tmp-*')
    [ -z "$left" ] || fail "left behind: $left"
}

# ---- payloads and stores ----

DAY=2025-11-06

good() { # ID [MORE]: a payload of two frames of 4 numbers; MORE is put in front of its frames
    printf '{"entry_id":"%s","day_id":"%s","store_id":"s1",%s"embeddings":[[1,0,0,0],[0.5,1,0,0]]}\n' \
        "$1" "$DAY" "${2-}"
}

frames() { # COUNT: the text of so many frames of 4 numbers
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++)
        printf "%s[%d,%d,%d,1]", i ? "," : "", i % 7, i % 11, i % 13 }'
}

# The ids of a store's entries as they stand in JSON, sorted, on one line.
ids() { # STORE
    rm -rf "$TMP/.manifests"
    "$BIN/rid-manifest" -q --embeddings none -o "$TMP/.manifests" "$1" || { echo "unreadable: $1"; return; }
    mkdir -p "$TMP/.manifests"
    find "$TMP/.manifests" -name '*.json' -print0 | xargs -0 -r cat |
        grep -oP '"entry_id":"(\\.|[^"\\])*"' | cut -d: -f2- | sort | tr '\n' ' ' | sed 's/ $//'
}

expect_ids() { # STORE ID...: exactly these (plain ones)
    local store=$1
    shift
    expect_equal "entries of $store" "$(ids "$store")" "$(printf '"%s"\n' "$@" | sort | tr '\n' ' ' | sed 's/ $//')"
}

# One line of a list of rejects: file, line, byte and reason.
expect_reject() { # LIST FILE LINE BYTE REASON
    grep -qF "{\"file\":\"$2\",\"line\":$3,\"byte\":$4,\"reason\":\"$5\"" "$1" 2>/dev/null ||
        fail "$1 has no reject at $2 line $3 byte $4 for $5: $(head -c 600 "$1" 2>/dev/null)"
}

expect_reject_count() { # LIST N
    expect_equal "lines of $1" "$(wc -l <"$1" 2>/dev/null)" "$2"
}

# A number or string of a flat JSON document: the value behind the first "KEY":.
json_value() { # FILE KEY
    grep -oP "\"$2\":\s*\K(\"[^\"]*\"|[^,}\]]*)" "$1" | head -n 1
}
