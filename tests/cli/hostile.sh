# hostile.sh -- damaged and hostile files give one line and exit status 1, whatever the command: no crash, no hang.
# timeout: 300
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets zoo, work, systole
source "$PWD/tests/include/cli.bash"

n=0
while IFS=$'\t' read -r file what; do
    [[ $file == \#* || -z $file ]] && continue
    case $file in
        *.onnx)
            expect 1 run "tests/data/hostile/$file"
            one_line
            ;;
        *.npy)
            expect 1 run $zoo/conv_1x1.onnx --input "x=tests/data/hostile/$file"
            one_line
            ;;
        *) fail "hostile.tsv names $file ($what): what is it for?" ;;
    esac
    n=$((n + 1))
done < tests/data/hostile/hostile.tsv
(( n > 50 ))

# A program cut anywhere, and one with noise in it.
printf '_start:\n  core.halt zero\n.dram 64\n .word 1, 2\n' > "$work/p.s"
expect 0 asm "$work/p.s" -c tiny -o "$work/p.elf"
size=$(stat -c %s "$work/p.elf")
for (( cut = 0; cut < size; cut += 1 + size / 60 )); do
    head -c "$cut" "$work/p.elf" > "$work/cut.elf"
    expect 1 run "$work/cut.elf"
    one_line
    expect 1 info "$work/cut.elf"
    one_line
    expect 1 disasm "$work/cut.elf"
    one_line
done

# Nothing, folders, devices, configurations that are none.
for command in run info disasm compile profile cosim compare; do
    for path in "$work/missing.elf" "$work"; do
        expect 1 "$command" "$path"
        one_line
    done
done
for text in '' 'x' '[array]' '[array]
dim = 5' '[array]
dim = 16
dim = 16' '[nothing]
a = 1'; do
    printf '%s\n' "$text" > "$work/c.ini"
    status=0
    "$systole" info "$work/c.ini" > "$work/out" 2> "$work/err" || status=$?
    (( status == 0 )) || one_line
    (( status <= 1 )) || fail "configuration '$text': exit status $status"
done
expect 1 run $zoo/conv_1x1.onnx --device sim -c "$work/missing.ini"
one_line
expect 1 run $zoo/conv_1x1.onnx --input nothing=x.npy
one_line
expect 1 run $zoo/conv_1x1.onnx --blas /nonexistent/libblas.so
one_line
