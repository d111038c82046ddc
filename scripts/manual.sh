#!/usr/bin/env bash
# manual.sh SYSTOLE -- prints docs/user/cli.md, the manual of the program, from the --help texts of SYSTOLE.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

systole=$1
cat << 'END'
<!-- GENERATED from the --help texts by scripts/manual.sh -- do not edit.   Regenerate: cmake --build build/dev --target regen -->
# The program `systole`

END
overview=$("$systole" --help)
printf '```\n%s\n```\n' "$overview"
sed -n 's/^  \([a-z-]\+\) .*/\1/p' <<< "$overview" | while read -r command; do
    printf '\n## systole %s\n\n```\n%s\n```\n' "$command" "$("$systole" help "$command")"
done
