#!/bin/bash
# Installs what rid needs to be built and tested on Debian 12 or newer and Ubuntu: only packages that
# are missing, without recommended ones, without asking anything.
#
#   scripts/install-deps.sh                 install; as root, or with a sudo that asks no password
#   scripts/install-deps.sh --check         only list what is missing (standard output); exit 1 if
#                                           anything is
#   scripts/install-deps.sh --with-peers    also what `make bench`, tests and scripts/make-* compare with:
#                                           PyTorch, NumPy, h5py, FAISS, SciPy, scikit-learn
#
# Exit: 0 nothing is missing (any more), 1 it is, 2 usage.
set -u
export LC_ALL=C

# PACKAGE:WHAT IT IS FOR
NEEDED='
gcc:C compiler
g++:C++ compiler (the JSON shim)
make:building
pkg-config:finding the libraries
libc6-dev:the C library
libhdf5-dev:stores (HDF5)
libsimdjson-dev:reading JSON (simdjson)
libyaml-dev:configuration files (libyaml)
zlib1g-dev:reading .gz (zlib)
libzstd-dev:reading .zst (zstd)
libxxhash-dev:digests of stores (xxHash)
libssl-dev:SHA-256 (OpenSSL)
libglib2.0-dev:time zones (GLib)
libtorch-dev:training (libtorch)
libopenblas0-openmp:training (a BLAS on OpenMP threads, as libtorch)
tzdata:time zones (the data)
libcmocka-dev:unit tests (cmocka)
zstd:command-line tests (.zst files)
'
PEERS='
python3-torch:PyTorch, with which encoding is compared
python3-numpy:NumPy
python3-h5py:stores read from Python
python3-faiss:FAISS, with which the scan is compared
python3-scipy:SciPy, with which tests compare bounds
python3-sklearn:scikit-learn, with which tests compare figures
'
COMMANDS=' gcc g++ make pkg-config zstd ' # these count as installed wherever they come from

say() { echo "install-deps: $*" >&2; }
die() { say "$*"; exit 1; }
usage() { sed -n '2,/^set -u/{/^#/!d;s/^# \{0,1\}//;p}' "$0"; }

check='' wanted=$NEEDED
for argument; do
    case $argument in
    --check) check=1 ;;
    --with-peers) wanted=$NEEDED$PEERS ;;
    -h | --help) usage; exit 0 ;;
    *) say "unknown argument '$argument'; --help tells what there is"; exit 2 ;;
    esac
done

# ---- what is missing ----

system_name() { (. /etc/os-release && echo "$PRETTY_NAME") 2>/dev/null || uname -s; }

is_debian_like() {
    command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 1
    [ -r /etc/os-release ] || return 0
    case " $(. /etc/os-release && echo "${ID:-} ${ID_LIKE:-}") " in
    *' debian '* | *' ubuntu '*) return 0 ;;
    esac
    return 1
}

is_installed() { # PACKAGE
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] && return 0
    case $COMMANDS in *" $1 "*) command -v "$1" >/dev/null ;; *) false ;; esac
}

if ! is_debian_like; then
    say "this is $(system_name), neither Debian nor Ubuntu: please install by its own means"
    sed -n 's/^\([^:]*\):\(.*\)/    \2   (Debian: \1)/p' <<<"$wanted" >&2
    say 'then run make; it names whatever it does not find'
    exit 1
fi

missing=()
while IFS=: read -r package what; do
    [ -z "$package" ] || is_installed "$package" || missing+=("$package")
done <<<"$wanted"

if [ ${#missing[@]} -eq 0 ]; then
    say 'nothing is missing'
    exit 0
fi
if [ -n "$check" ]; then
    say 'missing:'
    printf '%s\n' "${missing[@]}"
    exit 1
fi

# ---- installing ----

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
    if ! sudo -n true 2>/dev/null; then
        say "missing: ${missing[*]}"
        say 'installing needs root, and there is no sudo that works without a password; as root:'
        echo "    apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
fi

log=$(mktemp "${TMPDIR:-/tmp}/rid-install-deps.XXXXXX") || exit 1
trap 'rm -f "$log"' EXIT

# Waits for another apt that is at work, as one often is on a machine that has just started.
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1
}
fail() {
    tail -n 15 "$log" | sed 's/^/    /' >&2
    die "$*"
}
unknown_to_apt() { # PACKAGE...: those for which the lists have nothing to install
    local package
    for package; do
        apt-cache policy "$package" 2>/dev/null | grep -q '^  Candidate: [^(]' || echo "$package"
    done
}
updated=''
update() {
    say 'fetching the package lists (apt-get update)'
    # A broken source beside the good ones fails the update, but need not stop the installation.
    apt update || say 'some package lists could not be fetched'
    updated=1
}
install_missing() { apt install --no-install-recommends "${missing[@]}"; }

[ -z "$(unknown_to_apt "${missing[@]}")" ] || update
unknown=$(unknown_to_apt "${missing[@]}" | tr '\n' ' ')
[ -z "$unknown" ] || fail "apt knows no package ${unknown% } on $(system_name)"

say "installing ${missing[*]}"
started=$SECONDS
if ! install_missing; then
    # Lists that are out of date name files that are gone.
    [ -z "$updated" ] || fail 'apt-get install failed'
    update
    install_missing || fail 'apt-get install failed'
fi
say "installed in $((SECONDS - started)) s"
