# planted.sh -- systole run --check: what is right is clean, and each check finds the fault that is planted for it.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets zoo, work
source "$PWD/tests/include/cli.bash"

# check STATUS NAME LINE... -- a program behind some set-up, assembled and run with --check: semaphores 0 to 3 are s0 to s3.
check() {
    local status=$1 name=$2
    shift 2
    {
        printf '_start:\n  li s0, 0\n  li s1, 1\n  li s2, 2\n  li s3, 3\n'
        printf '  ld.setf addr_lo=0x1000, n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1\n'
        printf '  st.setf addr_lo=0x1000, n0=16, n1=1, n2=1, n3=1, hi0=16, hi1=1, hi2=1, hi3=1, m0=4, m1=1, m2=1, m3=1, t0=1\n'
        printf '  vpu.setf n0=4, n1=1, n2=1, n3=1, chain_in=a_src:spm, chain_out=out:spm, a_s0=1, o_base=512, o_s0=1, o_lo=-128, o_hi=127\n'
        printf '%s\n' "$@"
        printf '  core.halt zero\n.dram 0x1000\n  .random 256, 1\n'
    } > "$work/$name.s"
    expect 0 asm "$work/$name.s" -c tiny -o "$work/$name.elf"
    expect "$status" run "$work/$name.elf" --check
}

# where TEXT -- the line of the last program's source with this text, as reports name it.
where() { printf '(%s:%s)' "$1" "$(grep -n -F -e "$2" "$1" | head -n 1 | cut -d: -f1)"; }

check 0 clean '  ld.load x0' '  ld.post s0' '  vpu.wait s0' '  vpu.vec x0' '  vpu.post s1' '  st.wait s1' '  st.setf row_base=512' '  st.store x0'
out 'race 0, semaphore 0, serial 0, unwritten 0'

# A race that this run wins: LD holds the bank until it is done.
check 1 lucky '  ld.load x0' '  vpu.vec x0 # reader'
out 'race: SPM rows 0..3: LD command 0 at pc '
out "$(where "$work/lucky.s" 'ld.load') writes, VPU command 0 at pc "
out "$(where "$work/lucky.s" '# reader') reads, and no semaphore or fence orders them"
out 'race 1, semaphore 0, serial 0'
one_line
err 'the check has found 1 errors'

# One that it loses: the rows are stored before they have been loaded from there again.
check 1 lost '  ld.load x0' '  core.fence' '  vpu.vec x0' '  core.fence' '  st.setf row_base=512, addr_lo=0x1004' '  st.store x0' \
    '  ld.setf row_base=256' '  ld.load x0'
out 'race: DRAM bytes 0x1004..0x100f: '
out 'serial: SPM byte 0x40'
out '(row 257) is 0x'
out 'run serially it is 0x'

check 1 left '  ld.load x0' '  ld.post s2'
out 'semaphore: semaphore 2: 1 POSTs, 0 WAITs: 1 at the end, expected 0'

# Right as it runs, but not one command after the other.
check 1 early '  vpu.wait s3 # early' '  vpu.vec x0' '  ld.load x0' '  ld.post s3'
out "semaphore: semaphore 3: VPU's WAIT at pc "
out "$(where "$work/early.s" '# early'), before its command 0 is WAIT number 1, but only 0 POSTs stand before it in program order"
out 'serial: run one command after the other, the program ends otherwise: deadlock in cycle'
out 'race 0'

# A token that another unit may take: this run goes well, because the VPU comes later.
check 1 stolen '  ld.post s1' '  mxu.wait s1 # owner' '  mxu.post s1' '  vpu.wait s1'
out "semaphore: semaphore 1: MXU's WAIT at pc "
out "$(where "$work/stolen.s" '# owner'), before its command 0 may never be served: 1 POSTs stand before it in program order, and 1 other WAITs"

check 1 overflow '  li a0, 300' 'more: ld.post s0' '  st.wait s0' '  addi a0, a0, -1' '  bnez a0, more'
out 'semaphore: semaphore 0 can reach 300, expected at most 255: with LD'"'"'s POST at pc'

# A warning is no failure.
check 0 unwritten '  vpu.vec x0'
out 'warning: unwritten: VPU command 0 at pc '
out 'reads SPM rows 0..3, which nothing has written'

# What a program does may not depend on its own speed.
check 1 time '  ld.load x0' '  core.fence' '  ld.load x0' '  vpu.setf a_base=256' '  csrr t0, mcycle' '  vpu.vec t0 # tag' '  ld.load x0' '  csrr t0, mcycle' '  vpu.vec t0'
out 'serial: after '
out 'what the program does depends on time'

# A run that does not end well is checked as far as it goes.
check 1 hang '  ld.load x0' '  vpu.vec x0' '  st.wait s0'
out 'race 1'
err 'deadlock in cycle'
check 1 fails '  ld.load x0' '  vpu.vec x0' '  li a0, 100' 'wait: addi a0, a0, -1' '  bnez a0, wait' '  ld.setf m0=0' '  ld.load x0'
out 'race 1'
err 'error COUNT of LD command 1'

# As JSON: inside the result, or alone if there is none.
expect 1 run "$work/lucky.elf" --check --json
out '"race": 1'
out '"severity": "error"'
out '"access": "write"'
out "\"where\": \"$work/lucky.s:"
expect 1 run "$work/hang.elf" --check --json
out '"race": 1'

expect 2 run "$work/clean.elf" --check --timing-only
expect 2 run "$work/clean.elf" --check --device rtl
expect 2 run "$work/clean.elf" --check --device cpu

if [[ $SY_HAVE_LLVM == 1 ]]; then
    expect 0 run $zoo/conv_3x3.onnx --check -c edge
    out 'race 0, semaphore 0, serial 0, unwritten 0'
    expect 0 run $zoo/t_lenet.onnx --check -c tiny --json
    out '"race": 0'
fi
