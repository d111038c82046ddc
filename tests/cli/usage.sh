# usage.sh -- wrong command lines give one line and exit status 2; help gives 0, for every command.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # cli.bash sets zoo, work, systole
source "$PWD/tests/include/cli.bash"

mapfile -t commands < <(sed -n -E 's/^COMMAND\([a-z_]+, "([a-z-]+)".*/\1/p' cli/commands.def)
(( ${#commands[@]} >= 10 ))

expect 0 --help
for command in "${commands[@]}"; do
    out "  $command"
done
expect 0 --version
[[ $(cat "$work/out") == "systole "[0-9]* ]]
expect 0 help
expect 2
expect 2 nothing
one_line
expect 2 help nothing
one_line

for command in "${commands[@]}"; do
    expect 0 help "$command"
    cp "$work/out" "$work/help"
    head -n 1 "$work/help" | grep -q "^usage: systole $command" || fail "help $command: no usage line"
    out "Example"
    expect 0 "$command" --help
    cmp -s "$work/out" "$work/help" || fail "$command --help is not help $command"
    expect 2 "$command" --no-such-option
    one_line
    err "systole: $command: "
    # Each long option in the help is one that the command knows: it wants a value, or a file, but is not unknown.
    for option in $(grep -o -E '^ +(-[a-z], )?--[a-z-]+' "$work/help" | grep -o -E -e '--[a-z-]+'); do
        if timeout 20 "$systole" "$command" "$option=1" --no-such-option < /dev/null 2>&1 | grep -q "'$option=1'" &&
            timeout 20 "$systole" "$command" "$option" --no-such-option < /dev/null 2>&1 | grep -q "'$option'"; then
            fail "help $command names $option, which it does not know"
        fi
    done
done

for command in compile run compare eval cosim profile asm disasm; do
    expect 2 "$command"
    one_line
    expect 2 "$command" a b
    one_line
done
expect 2 run --device gpu x.onnx
err "no device 'gpu'"
expect 2 run --repeat 0 x.onnx
expect 2 run --repeat many x.onnx
expect 2 run --input x.npy x.onnx
expect 2 run --stalls 3 x.onnx
expect 2 compare --devices cpu x.onnx
expect 2 eval x.onnx
err "--data is missing"
expect 2 eval --data idx:a,b --mean 1,,2 x.onnx
expect 2 cosim --images 3 x.onnx
expect 2 fuzz --count 0
expect 2 fuzz extra

# What a build lacks is said, before a compilation fails for it.
SYSTOLE_CODEGEN=/nowhere/libsystole-codegen.so expect 0 info
out 'not there: SYSTOLE_CODEGEN: /nowhere/libsystole-codegen.so'
