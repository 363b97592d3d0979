#!/bin/sh
# Makes a bare machine ready; the Makefile calls it before everything else.
#
#   ./bootstrap.sh venv run    .venv with KVM Bridge itself: all that `make demo` needs
#   ./bootstrap.sh venv test   the same with the tools of the tests
#   ./bootstrap.sh services    PHP, MariaDB and PowerDNS as programs for the tests; no service is started
#
# What is there already is left alone, so that a second call takes no time. PYTHON=... names the interpreter to use.
set -eu
cd "$(dirname "$0")"

VENV=.venv
STAMP=$VENV/installed

say() { printf '%s\n' "bootstrap: $*"; }
die() { printf '%s\n' "bootstrap: $*" >&2; exit 1; }

# Prints the prefix that makes a command run as root; fails where this user cannot.
root_prefix() {
    if [ "$(id -u)" = 0 ]; then
        echo env
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        echo sudo
    else
        return 1
    fi
}

# Never at the price of a package that is there (a MySQL server), and without needrestart, which restarts services. On a machine
# that has just started the package system may still be busy with itself; hence the long wait for its lock.
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -qq -y --no-remove --no-install-recommends \
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=180 -o Dpkg::Use-Pty=0 "$@"
}

# There is no package with PowerDNS's programs alone: this one starts a name server on port 53, now and at each boot. systemd
# starts nothing that is masked, and the package leaves a mask alone that it did not set.
keep_powerdns_stopped() {
    command -v systemctl >/dev/null || return 0
    $as_root systemctl --quiet mask pdns.service </dev/null || return 1
    say "the service of PowerDNS is masked, so that it does not start; to use it: systemctl unmask pdns"
}

# What apt knows of its packages is brought up to date once, so far as that is possible.
updated=
apt_update() {
    [ -z "$updated" ] || return 0
    command -v apt-get >/dev/null && as_root=$(root_prefix) || return 1
    apt update >/dev/null 2>&1 </dev/null && updated=yes
}

apt_install() {
    command -v apt-get >/dev/null && as_root=$(root_prefix) || return 1
    case $* in *pdns-server*) keep_powerdns_stopped || return 1 ;; esac
    say "installing with apt: $*"
    log=$(mktemp)
    { { [ -n "$updated" ] || apt update; } && apt install "$@"; } >"$log" 2>&1 </dev/null ||
        { tail -n 5 "$log" >&2; rm -f "$log"; return 1; }
    rm -f "$log"
}

# ---- python and the virtual environment

is_suitable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# The newest interpreter; one that can make a complete venv by itself goes before one that cannot.
find_python() {
    second_choice=
    for python in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        is_suitable "$python" || continue
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$python"
            return
        fi
        second_choice=${second_choice:-$python}
    done
    [ -n "$second_choice" ] && command -v "$second_choice"
}

explain_python() {
    found=$(python3 --version 2>/dev/null || echo "no python3 at all")
    die "KVM Bridge needs Python 3.11 or newer and found ${PYTHON:+$PYTHON, }$found." \
        "Debian 12: apt-get install python3 python3-venv;" \
        "Ubuntu 22.04: apt-get install python3.11 python3.11-venv; or name one: make PYTHON=/path/to/python3.12 ..."
}

make_venv() {
    python=$1
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "making $VENV with Python $version ($python)"
    rm -rf "$VENV"
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv "$VENV"
    elif "$python" -m pip --python "$python" --version >/dev/null 2>&1; then
        "$python" -m venv --without-pip "$VENV"
        "$python" -m pip --python "$VENV/bin/python" install --quiet pip
    elif "$python" -m virtualenv --version >/dev/null 2>&1; then
        "$python" -m virtualenv --quiet "$VENV"
    elif apt_install "python$version-venv"; then
        "$python" -m venv "$VENV"
    else
        die "Python $version cannot make virtual environments here and this user may not install packages." \
            "As root: apt-get install python$version-venv"
    fi
}

# What the installed state depends on. The folder belongs to it, because a venv cannot be moved.
fingerprint() { printf '%s %s %s\n' "$1" "$(cat setup.cfg pyproject.toml | cksum)" "$PWD"; }

is_installed() {
    [ -x "$VENV/bin/python" ] && [ -f "$STAMP" ] || return 1
    state=$(cat "$STAMP")
    [ "$state" = "$(fingerprint "$1")" ] || [ "$state" = "$(fingerprint test)" ]
}

venv() {
    is_installed "$1" && "$VENV/bin/python" -c '' 2>/dev/null && return
    case $1 in
        run) target=. ;;
        test) target='.[test]' ;;
        *) die "venv run, or venv test" ;;
    esac
    if ! is_suitable "$VENV/bin/python" || ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1 ||
        { [ -f "$STAMP" ] && ! grep -qF " $PWD" "$STAMP"; }; then
        python=$(find_python) || explain_python
        make_venv "$python"
    fi
    say "installing KVM Bridge ($1) into $VENV; takes up to a minute"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --retries 5 --timeout 60 \
        --editable "$target" || die "pip could not install KVM Bridge; its last lines above say why"
    fingerprint "$1" >"$STAMP"
}

# ---- programs that the tests run

has_php_extension() { php -m 2>/dev/null | grep -qix "$1"; }

# The packages that hold the programs alone carry their version in the name on some releases.
mariadb_package() {
    name=$(apt-cache search --names-only "^mariadb-$1-core(-[0-9.]+)?\$" 2>/dev/null | cut -d' ' -f1 | sort | head -n 1)
    printf '%s\n' "${name:-mariadb-$1-core}"
}

# Debian 13 has no checker of the PHP style; its one test is skipped there.
if_offered() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]' && echo "$1" || :; }

missing_packages() {
    command -v php >/dev/null || echo php-cli
    for extension in curl mbstring; do
        has_php_extension "$extension" || echo "php-$extension"
    done
    has_php_extension dom || echo php-xml
    has_php_extension pdo_mysql || echo php-mysql
    command -v phpcs >/dev/null || if_offered php-codesniffer
    { command -v mariadbd && command -v mariadb-install-db; } >/dev/null || mariadb_package server
    command -v my_print_defaults >/dev/null || mariadb_package client # mariadb-install-db calls it
    command -v pdnsutil >/dev/null || echo pdns-server pdns-backend-sqlite3
}

services() {
    PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
    [ -n "$(missing_packages)" ] || return 0
    apt_update || : # what goes wrong is said below
    missing=$(missing_packages) # on a machine that has just been set up, only now names and offers are known
    # shellcheck disable=SC2086  # a list of words on purpose
    apt_install $missing && return
    # shellcheck disable=SC2086
    say "missing, and this user could not install them; as root: apt-get install" $missing
    [ "${CI:-}" != true ] || die "CI=true: a missing service is a failure"
    say "the tests that need them will be skipped"
}

case ${1:-} in
    venv) venv "${2:-run}" ;;
    services) services ;;
    *) die "usage: ./bootstrap.sh venv run | venv test | services" ;;
esac
