# shrink.sh -- a random program that shows a planted fault is cut down to a handful of instructions, which show it too.
# timeout: 600
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets systole, work
source "$PWD/tests/include/cli.bash"
source "$PWD/tests/include/plant.bash"
[[ $SY_HAVE_VERILATOR == 1 ]] || { echo "skipped: needs Verilator"; exit 77; }
good=$systole

# shrinks NAME MOST FILE FROM TO -- fuzzing with a changed simulator ends in at most MOST instructions.
shrinks() {
    local name=$1 most=$2 stem n commands
    rm -rf "$work/sources" && mkdir -p "$work/sources" "$work/$name"
    cp -r simulator "$work/sources/"
    change "$work/sources/$3" "$4" "$5"
    link_simulator "${good%/cli/systole}" "$work/sources" "$work/objects" "$work/systole"
    "$work/systole" fuzz -c tiny --seed 5 --count 300 --output-dir "$work/$name" > "$work/out" 2> "$work/err" &&
        fail "$name: not found"
    stem=$(ls "$work/$name"/*.min.s) || fail "$name: nothing is shrunk: $(cat "$work/out" "$work/err")"
    stem=${stem%.min.s}
    n=$(grep -c -E '^    [a-z]' "$stem.min.s")
    (( n <= most )) || fail "$name: $n instructions: $(cat "$stem.min.s")"
    # The printed commands show the fault with the changed simulator, and none with the true one.
    commands=$(sed -n 's/^  again: \(systole asm .*\)/\1/p' "$work/out")
    [[ -n $commands ]] || fail "$name: no commands are printed: $(cat "$work/out")"
    PATH="$work:$PATH" bash -c "$commands" > "$work/again" 2>&1 && fail "$name: not seen again by: $commands"
    grep -q ' differs' "$work/again" || fail "$name: $(cat "$work/again")"
    systole=$good expect 0 cosim "$stem.elf" -c "$stem.ini" --fill 5
    echo "$name: $n instructions"
}

shrinks time 12 simulator/include/systole/sim/timing.h 'return (uint64_t)config->d + config->vpu_stages;' \
    'return (uint64_t)config->d + config->vpu_stages + 1;'
shrinks data 16 simulator/st.c 'st->stage_out += burst->n_bytes;' 'st->stage_out += burst->n_bytes; s->dram_bytes[burst->address] ^= 1;'
shrinks core 6 simulator/core_alu.h 'case ISA_OP_SLTI: RESULT((int32_t)a < (int32_t)imm);' 'case ISA_OP_SLTI: RESULT((int32_t)a <= (int32_t)imm);'
