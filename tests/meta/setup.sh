# setup.sh -- scripts/setup.sh does what it says, played with pretended apt-get, dpkg-query, id and sudo.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
mkdir -p "$work/tree/scripts" "$work/bin"
cp scripts/setup.sh "$work/tree/scripts/"
cat > "$work/tree/scripts/packages.txt" << 'END'
# what the pretended system needs

needed-one    # the first
needed-two    # the second
extra         # optional: nice to have
END

# The pretended system: the files in $work/installed are its packages; apt-get can install what $work/network has.
cat > "$work/bin/dpkg-query" << END
#!/bin/bash
[[ -e $work/installed/\${@: -1} ]] && printf installed
END
cat > "$work/bin/apt-get" << END
#!/bin/bash
echo "\$*" >> $work/calls
if [[ ! -d $work/network ]]; then echo "E: Unable to fetch, no network" >&2; exit 100; fi
status=0
for word; do
    case \$word in needed-*|extra)
        if [[ -e $work/network/\$word ]]; then names+=("\$word")
        else echo "E: Unable to locate package \$word" >&2; status=100; fi ;;
    esac
done
[[ \$status == 0 && \${#names[@]} -gt 0 ]] && (cd $work/installed && touch "\${names[@]}")
exit \$status
END
cat > "$work/bin/id" << END
#!/bin/bash
cat $work/uid
END
cat > "$work/bin/sudo" << END
#!/bin/bash
[[ -e $work/sudo_ok ]] || exit 1
shift
exec "\$@"
END
chmod +x "$work"/bin/*

# play UID SUDO(yes|no) NETWORK(space separated packages, or "-") INSTALLED: sets status, out; calls in $work/calls
play() {
    rm -rf "$work/installed" "$work/network" "$work/sudo_ok" "$work/calls"
    mkdir "$work/installed"
    : > "$work/calls"
    echo "$1" > "$work/uid"
    [[ $2 == yes ]] && touch "$work/sudo_ok"
    local package
    if [[ $3 != - ]]; then
        mkdir "$work/network"
        for package in $3; do touch "$work/network/$package"; done
    fi
    for package in $4; do touch "$work/installed/$package"; done
    status=0
    out=$(PATH="$work/bin:$PATH" "$work/tree/scripts/setup.sh" 2>&1 < /dev/null) || status=$?
}

expect() {
    local want_status=$1 want_text=$2
    if [[ $status != "$want_status" || $out != *"$want_text"* ]]; then
        printf 'case "%s": got status %s and\n%s\n' "$want_text" "$status" "$out"
        exit 1
    fi
}

play 0 no - "needed-one needed-two extra"
expect 0 "all packages are installed"
[[ ! -s $work/calls ]] || { echo "apt-get was called though nothing was missing"; exit 1; }

play 0 no "needed-one needed-two extra" ""
expect 0 "done"

play 1000 yes "needed-one needed-two extra" "needed-one"
expect 0 "installing with apt-get: needed-two extra"

play 1000 no "needed-one needed-two extra" "needed-one"
expect 1 "cannot install needed-two: not root, and sudo wants a password"
[[ ! -s $work/calls ]] || { echo "apt-get was called without the right to"; exit 1; }

play 0 no - "needed-one"
expect 1 "cannot install needed-two: Unable to fetch, no network"

play 0 no - "needed-one needed-two"
expect 0 "going on without extra: Unable to fetch, no network"

# A release without one of the packages still gets the others.
play 0 no "needed-one needed-two" ""
expect 0 "going on without extra: Unable to locate package extra"
[[ -e $work/installed/needed-two ]] || { echo "one missing package kept the others away"; exit 1; }

# The real list is well formed: one name and one comment a line.
if grep -n -v -E '^$|^#|^[a-z0-9][a-z0-9+.-]+ +# .+$' scripts/packages.txt; then
    echo "scripts/packages.txt: the lines above are not 'package  # what for'"
    exit 1
fi
