# clutter.sh -- the tree holds the product alone: no plans, status reports, session notes, leftovers; no text that
# speaks of the machine or the meeting it was written in.
#
# SPDX-License-Identifier: Apache-2.0
source "$PWD/tests/include/meta.bash"

check() {
    tree_files | grep -i -E '(^|/)(plan|plans|notes?|status|progress|summary|roadmap|todo|phase|session|handoff|report)[^/]*\.(md|txt)$' |
        sed 's/$/: a notes file/' || true
    tree_files | grep -E '(\.(orig|rej|bak|swp|tmp|part)|~)$' | sed 's/$/: a leftover/' || true
    tree_files | grep -E '(^|/)(utils?|helpers?|misc|common|new)\.[a-z]+$|_(v2|old|new)\.[a-z]+$' |
        sed 's/$/: a name that says nothing/' || true
    tree_files | grep -v -E '^tests/meta/clutter\.sh$|\.(onnx|npy|gz|png|elf|bin)$' |
        xargs -r -d '\n' grep -n -I -i -E \
            '/work/(main|c|shared)|shared/(design|machine|numerics|style|notes)|as an ai\b|\b(chatgpt|copilot|claude)\b|(previous|next|this) session|co-authored-by' || true
}

meta_main \
    'docs/PLAN.md' 'x' \
    'simulator/mxu.c.orig' 'x' \
    'base/utils.c' 'x' \
    'base/a.c' '/* see shared/design.md */' \
    'README.md' 'In the next session we will add more.'
