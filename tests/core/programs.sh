# programs.sh -- bare-metal programs that begin and end as those of riscv-tests and riscv-arch-test do, on the simulator and on the
# Verilog of the configuration that run --bare uses: the same verdict, cycles and signature, and no difference in lockstep.
# timeout: 600
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets work, systole
source "$PWD/tests/include/cli.bash"
export SYSTOLE_CACHE=$1/rtl-cache

for source in tests/data/core/*.s; do
    name=$(basename "$source" .s)
    expect 0 asm "$source" --bare 0x80000000 -o "$work/$name.elf"
    expect 0 run --bare "$work/$name.elf"
    out "sim: pass: "
    if [[ -e tests/data/core/$name.reference ]]; then
        expect 0 run --bare "$work/$name.elf" --signature "$work/$name.signature"
        diff "tests/data/core/$name.reference" "$work/$name.signature" || fail "$name: another signature on the simulator"
    fi
done
[[ ${SY_HAVE_VERILATOR:-0} == 1 ]] || { echo "skipped: the Verilog"; exit 0; }

# The first use builds the machine: longer than a command may take otherwise.
"$systole" run --bare "$work/far.elf" --device rtl > /dev/null
for source in tests/data/core/*.s; do
    name=$(basename "$source" .s)
    expect 0 run --bare "$work/$name.elf"
    sed 's/^sim/rtl/' "$work/out" > "$work/sim"
    expect 0 run --bare "$work/$name.elf" --device rtl
    diff "$work/sim" "$work/out" || fail "$name: the two devices say different things"
    if [[ -e tests/data/core/$name.reference ]]; then
        expect 0 run --bare "$work/$name.elf" --device rtl --signature "$work/$name.signature"
        diff "tests/data/core/$name.reference" "$work/$name.signature" || fail "$name: another signature from the Verilog"
    fi
    expect 0 cosim --bare "$work/$name.elf"
    out "difference 0: "
    out "both: pass: "
done

# One that only stops moving: what it has left is compared as well.
printf '%s\n' '_start: la t0, begin_signature' ' li t1, 7' ' sw t1, 0(t0)' 'here: j here' '.data' 'begin_signature: .word 0' 'end_signature:' > "$work/loop.s"
expect 0 asm "$work/loop.s" --bare 0x80000000 -o "$work/loop.elf"
expect 0 cosim --bare "$work/loop.elf"
out "8388608 bytes of memory compared"
expect 0 run --bare "$work/loop.elf" --device rtl --signature "$work/loop.signature"
[[ $(cat "$work/loop.signature") == 00000007 ]] || fail "loop: signature $(cat "$work/loop.signature")"
