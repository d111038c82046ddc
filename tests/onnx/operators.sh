# operators.sh -- every operator that Debian's ONNX headers declare is known, except those of training that work on whole graphs.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
headers=/usr/include/onnx/defs
[[ -f $headers/operator_sets.h ]] || { echo "skipped: no ONNX headers (Debian: libonnx-dev)"; exit 77; }
known=$("$1/cli/systole" info --operators | awk '{ print $1 "." $2 }')

declared() {
    grep -h -o -E 'ONNX_OPERATOR_SET_SCHEMA_CLASS_NAME\( *(Onnx|OnnxML|OnnxPreview|OnnxTraining), *[0-9]+, *[A-Za-z0-9]+' "$headers"/operator_sets*.h |
        sed -E 's/.*\( *([A-Za-z]+), *[0-9]+, */\1./; s/^Onnx\./ai.onnx./; s/^OnnxML\./ai.onnx.ml./; s/^OnnxTraining\./ai.onnx.preview.training./' |
        sort -u
}
list=$(declared)
(( $(wc -l <<< "$list") > 180 )) || { echo "the headers declare only:"; echo "$list"; exit 1; }
bad=0
while read -r operator; do
    if ! grep -q -x -F "$operator" <<< "$known" && [[ $operator != ai.onnx.preview.training.Gradient ]]; then
        echo "not known: $operator"
        bad=1
    fi
done <<< "$list"
exit "$bad"
