# planted.sh -- faults planted on purpose are found: one cycle and one bit, in the simulator and in the Verilog.
# timeout: 600
#
# Each fault is one changed line in a copy of the sources. The unchanged models must agree ("difference 0"), each
# changed one must not, and a fault in time must be reported as one in time.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
source "$PWD/tests/include/plant.bash"
build=$1
systole=$build/cli/systole
[[ -x $systole ]] || exit 77
[[ ${SY_HAVE_VERILATOR:-0} == 1 && ${SY_HAVE_LLVM:-0} == 1 ]] || { echo "skipped: needs Verilator and LLVM"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SYSTOLE_CACHE=$build/rtl-cache
status=0

"$systole" compile tests/data/zoo/t_lenet.onnx -c tiny -o "$work/net.elf" > /dev/null

# cosim PROGRAM: the report of a lockstep run, whatever its exit status.
cosim() { { "$1" cosim "$work/net.elf" 2>&1 || true; } | grep -v 'note:'; }

expect() { # NAME PATTERN REPORT
    if grep -q -E -- "$2" <<< "$3"; then
        echo "$1: $(head -n 1 <<< "$3")"
    else
        printf '%s: expected /%s/ in:\n%s\n' "$1" "$2" "$3"
        status=1
    fi
}

# What a fault is reported as; a report of no difference speaks of cycles and bytes too.
in_time='^[A-Z]+ command [0-9]+ .* differs:'
in_data='^(SPM|ACC|DRAM) byte .* differs at the end:'

expect "unchanged" '^difference 0' "$(cosim "$systole")"

# ---- the Verilog
verilog() { # NAME FILE FROM TO PATTERN
    rm -rf "$work/sources" && mkdir -p "$work/sources"
    cp -r rtl simulator base isa configs "$work/sources/"
    change "$work/sources/$2" "$3" "$4"
    expect "$1" "$5" "$(SYSTOLE_RTL_SOURCES=$work/sources cosim "$systole")"
}
verilog "rtl, one cycle" rtl/systole.v '.STAGES(PIPELINE_VPU_STAGES),' '.STAGES(PIPELINE_VPU_STAGES + 1),' "$in_time"
verilog "rtl, one bit" rtl/vpu/fp_to_int.v "y_o = a_i[31] ? -w[63:32] : w[63:32];" "y_o = (a_i[31] ? -w[63:32] : w[63:32]) ^ 32'd1;" "$in_data"

# ---- the simulator
simulator() { # NAME FILE FROM TO PATTERN
    rm -rf "$work/sources" && mkdir -p "$work/sources"
    cp -r simulator "$work/sources/"
    change "$work/sources/$2" "$3" "$4"
    link_simulator "$build" "$work/sources" "$work/objects" "$work/systole"
    expect "$1" "$5" "$(cosim "$work/systole")"
}
simulator "simulator, one cycle" simulator/include/systole/sim/timing.h 'return (uint64_t)config->d + config->vpu_stages;' 'return (uint64_t)config->d + config->vpu_stages + 1;' "$in_time"
simulator "simulator, one bit" simulator/st.c 'st->stage_out += burst->n_bytes;' \
    'st->stage_out += burst->n_bytes; s->dram_bytes[burst->address] ^= 1;' "$in_data"
exit $status
