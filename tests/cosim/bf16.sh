# bf16.sh -- bf16 programs on simulator and Verilog: ACC rows read in the cycle in which they are written, random programs.
# timeout: 900
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets systole, work
source "$PWD/tests/include/cli.bash"
[[ $SY_HAVE_VERILATOR == 1 ]] || { echo "skipped: needs Verilator"; exit 77; }

# agree NAME LINE... -- the program runs the same on both, from three patterns in the memories.
agree() {
    local name=$1 seed
    shift
    printf '%s\n' "$@" > "$work/$name.s"
    expect 0 asm "$work/$name.s" -c tiny-bf16 -o "$work/$name.elf"
    for seed in 1 2 3; do
        timeout 500 "$systole" cosim "$work/$name.elf" --fill $seed > "$work/out" 2> "$work/err" || fail "$name: $(head -n 5 "$work/out" "$work/err")"
        out "difference 0"
    done
}

# Three products of D rows, D cycles apart. The third takes the rows of the first the other way round, the second has rows
# elsewhere: the third reads its first row in the cycle in which the first writes its last.
setup='  mxu.setf a_base=512, n0=4, n1=1, n2=1, n3=1, a_s0=1, c_s0=1, planes=1, flags=accumulate'
agree behind '_start:' "$setup" '  li t0, 100' '  li t1, 1' '  li t2, 3' '  li t3, -1' \
    '  mxu.matmul x0' '  mxu.set c_base, t0, t1' '  mxu.matmul x0' '  mxu.set c_base, t2, t1' '  mxu.set c_s0, t3, x0' \
    '  mxu.matmul x0' '  core.fence' '  core.halt x0'

# Planes that follow each other as closely as they may on the same rows, and on others that overlap.
agree near '_start:' "$setup" '  mxu.setf planes=7, w_plane=4, n0=1' '  mxu.matmul x0' '  mxu.setf n0=5' '  mxu.matmul x0' \
    '  mxu.setf c_base=2' '  mxu.matmul_t x0' '  mxu.setf n0=6, flags=0' '  mxu.matmul x0' '  core.fence' '  core.halt x0'

"$systole" fuzz -c tiny-bf16 --seed 2 --count 60 --output-dir "$work" || fail "tiny-bf16 differs"
