# contrib.sh -- the cases of tests/data/contrib (results of ONNX Runtime) by the reference kernels and by the fast ones.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
for kernels in --reference --threads=2; do
    "$1/cli/systole" test-onnx tests/data/contrib --rtol 1e-3 --atol 1e-3 "$kernels" || exit 1
done
