# scripts/install-deps.sh against stand-ins for apt-get, dpkg-query and sudo: nothing is installed.
# modes: release
set -u
source "$SRC/tests/cli/lib.bash"

INSTALLER=$SRC/scripts/install-deps.sh
(. /etc/os-release && [[ " ${ID:-} ${ID_LIKE:-} " =~ \ (debian|ubuntu)\  ]]) 2>/dev/null || {
    skip 'install-deps' 'not a Debian or Ubuntu'
    finish
}

stub() { # NAME, its text on standard input
    { echo '#!/bin/bash'; cat; } >"$TMP/bin/$1"
    chmod +x "$TMP/bin/$1"
}
# A machine on which all is installed but the packages named, until apt-get installs them. apt knows
# packages once its lists are there (the file `listed`); they are out of date while `stale` is there.
machine() { # UID PACKAGE...
    local uid=$1
    shift
    rm -rf bin listed stale
    mkdir bin
    printf '%s\n' "$@" >absent
    : >log
    stub id <<<"echo $uid"
    stub dpkg-query <<<"! grep -qxF -- \"\${*: -1}\" $TMP/absent && echo installed"
    stub apt-cache <<<"[ -e $TMP/listed ] && echo '  Candidate: 1.0'; true"
    stub apt-get <<EOF
echo "apt-get \$*" >>$TMP/log
case " \$* " in
*' update '*) touch $TMP/listed ;;
*' install '*)
    [ -e $TMP/stale ] && { rm $TMP/stale; echo 'E: 404 Not Found'; exit 100; }
    : >$TMP/absent
    ;;
esac
EOF
    stub sudo <<<"echo \"sudo \$*\" >>$TMP/log; [ \"\$1\" = -n ] || exit 9; shift; exec \"\$@\""
}
installer() { # ARGUMENT...
    PATH=$TMP/bin:$PATH run "$INSTALLER" "$@"
}
apt_calls() { sed -nE 's/^apt-get .* (update|install)( .*)?$/\1\2/p' log | tr '\n' ';'; }

begin 'nothing missing: nothing is done'
machine 0
installer
expect_code 0
expect_err 'nothing is missing'
expect_equal 'what was called' "$(cat log)" ''

begin '--check lists what is missing'
machine 0 libhdf5-dev tzdata
installer --check
expect_code 1
expect_equal 'the list' "$(tr '\n' ' ' <.out)" 'libhdf5-dev tzdata '
expect_equal 'what was called' "$(cat log)" ''

begin '--check leaves the peers of the benchmarks out, --with-peers does not'
machine 0 python3-torch
installer --check
expect_code 0
installer --check --with-peers
expect_code 1
expect_out python3-torch

begin 'root, no lists: update, then only what is missing'
machine 0 libhdf5-dev libzstd-dev
installer
expect_code 0
expect_err 'installing libhdf5-dev libzstd-dev'
expect_equal 'calls of apt-get' "$(apt_calls)" \
    'update;install --no-install-recommends libhdf5-dev libzstd-dev;'
expect_equal 'uses of sudo' "$(grep -c '^sudo' log)" 0

begin 'root, lists are there: no update'
machine 0 libyaml-dev
touch listed
installer
expect_code 0
expect_equal 'calls of apt-get' "$(apt_calls)" 'install --no-install-recommends libyaml-dev;'

begin 'lists out of date: update and a second try'
machine 0 libyaml-dev
touch listed stale
installer
expect_code 0
expect_equal 'calls of apt-get' "$(apt_calls)" \
    'install --no-install-recommends libyaml-dev;update;install --no-install-recommends libyaml-dev;'

begin 'a package that no list has is named'
machine 0 libsimdjson-dev
stub apt-cache <<<'true'
installer
expect_code 1
expect_err 'apt knows no package libsimdjson-dev'
expect_equal 'calls of apt-get' "$(apt_calls)" 'update;'

begin 'an installation that fails shows what apt-get said'
machine 0 libyaml-dev
touch listed
stub apt-get <<<'echo "E: the disk is full"; exit 100'
installer
expect_code 1
expect_err 'E: the disk is full' 'apt-get install failed'

begin 'a user with sudo: through sudo -n only'
machine 1000 libyaml-dev
installer
expect_code 0
expect_equal 'uses of sudo that could ask' "$(grep '^sudo' log | grep -vc '^sudo -n ')" 0
expect_equal 'calls of apt-get' "$(apt_calls)" 'update;install --no-install-recommends libyaml-dev;'

begin 'a user whose sudo asks for a password is told what root has to do'
machine 1000 libhdf5-dev libyaml-dev
stub sudo <<<'exit 1'
installer
expect_code 1
expect_err 'needs root' 'apt-get install --no-install-recommends libhdf5-dev libyaml-dev'
expect_equal 'what was called' "$(cat log)" ''

begin 'neither Debian nor Ubuntu: the libraries are named'
rm -rf only
mkdir only
for tool in bash sed env uname cat; do ln -s "$(command -v $tool)" only/; done
run env PATH="$TMP/only" bash "$INSTALLER"
expect_code 1
expect_err 'neither Debian nor Ubuntu' 'stores (HDF5)' 'libhdf5-dev' 'reading JSON (simdjson)'

begin 'an unknown argument'
run "$INSTALLER" --chekc
expect_code 2
expect_err "unknown argument '--chekc'"

begin '--help'
run "$INSTALLER" --help
expect_code 0
expect_out '--check' '--with-peers'

finish
