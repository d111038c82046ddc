# plant.bash -- for tests that plant faults: one changed line in a copy of the sources, and the program with a changed simulator.
#
# SPDX-License-Identifier: Apache-2.0

# change FILE FROM TO: one line of a copy, exactly once.
change() {
    [[ $(grep -c -F -- "$2" "$1") == 1 ]] || { echo "planted: '$2' is not one line of $1"; exit 1; }
    FROM=$2 TO=$3 awk 'BEGIN { from = ENVIRON["FROM"]; to = ENVIRON["TO"] }
        { at = index($0, from); if (at) $0 = substr($0, 1, at - 1) to substr($0, at + length(from)); print }' "$1" > "$1.new"
    mv "$1.new" "$1"
}

# link_simulator BUILD SOURCES OBJECTS PROGRAM -- systole as in BUILD, but for the simulator, which comes from SOURCES/simulator.
link_simulator() {
    local build=$1 sources=$2 objects=$3 program=$4 file link_flags=()
    local flags=(-std=c11 -O1 -D_XOPEN_SOURCE=700 -ffp-contract=off -Ibase/include -Iisa/include
        -I"$sources/simulator/include" -I"$sources/simulator")
    # shellcheck disable=SC2054 # one option
    nm "$build/cli/systole" | grep __asan_init > /dev/null && link_flags=(-fsanitize=address,undefined)
    nm "$build/cli/systole" | grep __gcov_init > /dev/null && link_flags=(--coverage)
    grep -q '^SY_PCRE2:FILEPATH=/' "$build/CMakeCache.txt" && link_flags+=(-lpcre2-8)
    rm -rf "$objects" && mkdir -p "$objects"
    while read -r file; do
        local extra=()
        [[ $file == *vnni.c ]] && extra=(-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni)
        cc "${flags[@]}" "${extra[@]}" -c "$file" -o "$objects/$(basename "$file" .c).o"
    done < <(find "$sources/simulator" -name '*.c')
    # Linked before the libraries: these objects are found first.
    # shellcheck disable=SC2046
    c++ "$build"/cli/CMakeFiles/systole.dir/*.o "$objects"/*.o -Wl,--start-group \
        $(find "$build" -name 'libsy_*.a' ! -name libsy_sim.a) -Wl,--end-group \
        -lprotobuf-c -ljson-c -linih -lz -lm -ldl -lpthread "${link_flags[@]}" -o "$program"
}
