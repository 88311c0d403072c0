#!/bin/bash
# From an earlier version to this one: under load, and both on one file. What it builds is kept for the next time.
set -euo pipefail

if [ "${1-}" = --short ]; then
    echo "skipped upgrade: it needs an earlier version, which \`make test-install\` builds"
    exit 0
fi

cd "$(dirname "$0")/../.."
EARLIER_WX_TOKEN_SO=$(scripts/earlier)
export EARLIER_WX_TOKEN_SO
# As `scripts/test-install` counts them.
cargo test --locked --test processes upgrades -- --include-ignored 2>&1 |
    sed -E 's/^test (.*) \.\.\. ok$/ok: \1/; s/^test (.*) \.\.\. FAILED$/FAILED: \1/'
