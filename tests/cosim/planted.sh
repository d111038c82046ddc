# planted.sh -- faults planted on purpose are found: one cycle and one bit, in the simulator and in the Verilog.
# timeout: 600
#
# Each fault is one changed line in a copy of the sources. The unchanged models must agree ("difference 0"), each
# changed one must not, and a fault in time must be reported as one in time.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
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

# change FILE FROM TO: one line of a copy, exactly once.
change() {
    [[ $(grep -c -F -- "$2" "$1") == 1 ]] || { echo "planted: '$2' is not one line of $1"; exit 1; }
    FROM=$2 TO=$3 awk 'BEGIN { from = ENVIRON["FROM"]; to = ENVIRON["TO"] }
        { at = index($0, from); if (at) $0 = substr($0, 1, at - 1) to substr($0, at + length(from)); print }' "$1" > "$1.new"
    mv "$1.new" "$1"
}

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
verilog "rtl, one cycle" rtl/systole.v '.D(D), .STAGES(PIPELINE_VPU_STAGES),' '.D(D), .STAGES(PIPELINE_VPU_STAGES + 1),' "$in_time"
verilog "rtl, one bit" rtl/vpu/fp_to_int.v "y_o = a_i[31] ? -w[63:32] : w[63:32];" "y_o = (a_i[31] ? -w[63:32] : w[63:32]) ^ 32'd1;" "$in_data"

# ---- the simulator: its library again, from changed sources, linked before everything else
simulator() { # NAME FILE FROM TO PATTERN
    rm -rf "$work/sources" && mkdir -p "$work/sources" "$work/objects"
    cp -r simulator "$work/sources/"
    change "$work/sources/$2" "$3" "$4"
    local file flags=(-std=c11 -O1 -D_XOPEN_SOURCE=700 -ffp-contract=off -Ibase/include -Iisa/include
        -I"$work/sources/simulator/include" -I"$work/sources/simulator")
    rm -f "$work"/objects/*
    while read -r file; do
        local extra=()
        [[ $file == *vnni.c ]] && extra=(-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni)
        cc "${flags[@]}" "${extra[@]}" -c "$file" -o "$work/objects/$(basename "$file" .c).o"
    done < <(find "$work/sources/simulator" -name '*.c')
    # shellcheck disable=SC2046
    c++ "$build"/cli/CMakeFiles/systole.dir/*.o "$work"/objects/*.o -Wl,--start-group \
        $(find "$build" -name 'libsy_*.a' ! -name libsy_sim.a) -Wl,--end-group \
        -lprotobuf-c -ljson-c -linih -lz -lm -ldl -lpthread $LINK_FLAGS -o "$work/systole"
    expect "$1" "$5" "$(cosim "$work/systole")"
}
LINK_FLAGS=
nm "$build/cli/systole" | grep -q __asan_init && LINK_FLAGS="-fsanitize=address,undefined"
nm "$build/cli/systole" | grep -q __gcov_init && LINK_FLAGS="--coverage"
simulator "simulator, one cycle" simulator/include/systole/sim/timing.h 'return (uint64_t)config->d + config->vpu_stages;' 'return (uint64_t)config->d + config->vpu_stages + 1;' "$in_time"
simulator "simulator, one bit" simulator/st.c 'st->stage_out += burst->n_bytes;' \
    'st->stage_out += burst->n_bytes; s->dram_bytes[burst->address] ^= 1;' "$in_data"
exit $status
