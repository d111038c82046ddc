# install.sh -- an installed tree is whole and can be moved: program, library, configurations, code generator, Verilog.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154,SC2034 # cli.bash sets work and systole, and reads systole
source "$PWD/tests/include/cli.bash"

cmake --install "$1" --prefix "$work/first" > "$work/log" || fail "cmake --install: $(tail -n 3 "$work/log")"
mv "$work/first" "$work/moved"
systole=$work/moved/bin/systole
model=examples/fashion_mnist/fashion_mnist_int8.onnx

# Its own configurations, not those of the sources.
own=$work/moved/share/systole/configs/tiny.ini
sed -i 's/^latency = .*/latency = 41/' "$own"
expect 0 info tiny
grep -q -E '^dram.latency +41 ' "$work/out" || fail "info tiny does not read $own"
ln -s moved/bin/systole "$work/link"
systole=$work/link
expect 0 info tiny
grep -q -E '^dram.latency +41 ' "$work/out" || fail "info tiny, through a link, does not read $own"
expect 1 info nothing
err "$work/moved/share/systole/configs"

# Every source that the Verilog is built from came along.
while read -r file; do
    [[ -e $work/moved/share/systole/sources/rtl/$file ]] || fail "rtl/$file is not installed"
done < <(sed -e 's/#.*//; s|//.*||' rtl/systole.f | grep -o -E '[a-z0-9_/]+\.v')

# The library, by the header and itself alone.
compiler=$(command -v cc || command -v gcc) || { echo "skipped: no C compiler"; exit 77; }
libdir=$(dirname "$(find "$work/moved" -name libsystole.so)")
if ldd "$libdir/libsystole.so" | grep -q -E 'lib(asan|ubsan)'; then
    exit 0 # a program would have to be built with the sanitizers too
fi
"$compiler" -std=c11 -I "$work/moved/include" examples/run_model.c -L "$libdir" -lsystole -o "$work/run_model"
if ls "$libdir"/libsystole-codegen.so > /dev/null 2>&1; then
    systole=$work/moved/bin/systole
    expect 0 compile $model -c tiny -o "$work/m.elf"
    LD_LIBRARY_PATH=$libdir "$work/run_model" "$work/m.elf" > "$work/out"
    out "cycles"
fi
