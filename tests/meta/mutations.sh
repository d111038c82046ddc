# mutations.sh -- the faults of scripts/mutations.txt can be planted: each text is on one line of its file. (Whether tests catch them:
# scripts/mutate.sh.)
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
scripts/mutate.sh --check
