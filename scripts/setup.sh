#!/usr/bin/env bash
# setup.sh -- installs the Debian packages of scripts/packages.txt that are missing, and nothing else.
#
# Touches the network only when something is missing.  Exit status 0 if all that is required is there (what is
# missing of the optional packages is named), 1 otherwise, with one line that says why.
# SY_SKIP_SETUP=1 skips it: for systems other than Debian, with the same libraries installed by other means.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

if [[ ${SY_SKIP_SETUP:-0} == 1 ]]; then
    say "skipped, as SY_SKIP_SETUP=1 asks"
    exit 0
fi
command -v dpkg-query > /dev/null && command -v apt-get > /dev/null ||
    fail "not a Debian system: install the equivalents of scripts/packages.txt, then set SY_SKIP_SETUP=1"

installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null) == installed ]]; }

# Sets the arrays "required" and "optional" to the packages that are missing.
find_missing() {
    required=() optional=()
    local package comment
    while read -r package comment; do
        if [[ -z $package || $package == '#'* ]] || installed "$package"; then
            continue
        fi
        if [[ $comment == '# optional:'* ]]; then
            optional+=("$package")
        else
            required+=("$package")
        fi
    done < scripts/packages.txt
}

find_missing
if (( ${#required[@]} + ${#optional[@]} == 0 )); then
    say "all packages are installed"
    exit 0
fi
say "installing with apt-get: ${required[*]} ${optional[*]}"

log=build/setup.log
mkdir -p build
: > "$log"

as_root=()
reason=
if [[ $(id -u) != 0 ]]; then
    if ! command -v sudo > /dev/null; then
        reason="not root, and there is no sudo"
    elif [[ -t 0 ]]; then
        as_root=(sudo)
    elif sudo -n true 2> /dev/null; then
        as_root=(sudo -n)
    else
        reason="not root, and sudo wants a password"
    fi
fi

# The last error apt-get printed, without its "E: ".
apt_reason() { grep '^E: ' "$log" | tail -n 1 | cut -c 4- || true; }

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
        "$@" >> "$log" 2>&1 < /dev/null
}

# With --error-on=any a missing network is an error of the update; old lists can still do for the installing.
if [[ -z $reason ]]; then
    apt update --error-on=any || say "apt-get update failed ($(apt_reason)); trying with the lists there are"
    if ! apt install --yes --no-install-recommends "${required[@]}" "${optional[@]}"; then
        reason=$(apt_reason)
        # One package this release does not have must not keep the others away.
        for package in "${required[@]}" "${optional[@]}"; do
            apt install --yes --no-install-recommends "$package" || true
        done
    fi
fi

find_missing
if (( ${#required[@]} > 0 )); then
    fail "cannot install ${required[*]}: ${reason:-apt-get failed} (details: $log)"
fi
if (( ${#optional[@]} > 0 )); then
    say "going on without ${optional[*]}: ${reason:-apt-get failed} (details: $log)"
fi
say "done"
