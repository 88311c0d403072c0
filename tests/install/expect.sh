# What a route of installation says of each step: `ok: STEP` or `FAILED: STEP`. scripts/test-install counts them.

fail() { echo "FAILED: $1" >&2; exit 1; }

# expect STEP COMMAND…: the command succeeds. Its output is shown if it does not.
expect() {
    if "${@:2}" >"$work/output" 2>&1; then echo "ok: $1"; else cat "$work/output" >&2; fail "$1"; fi
}

# refuse STEP COMMAND…: it does not succeed.
refuse() { if "${@:2}" >"$work/output" 2>&1; then cat "$work/output" >&2; fail "$1"; else echo "ok: $1"; fi; }

# said PATTERN: the command of the step before printed such a line.
said() {
    if grep -qE -e "$1" "$work/output"; then echo "ok: it says $1"; else cat "$work/output" >&2; fail "it says $1"; fi
}

# kept_silent_of PATTERN: it printed none.
kept_silent_of() {
    if grep -E -e "$1" "$work/output" >&2; then fail "it does not say $1"; else echo "ok: it does not say $1"; fi
}

# until_true STEP COMMAND…: it succeeds within ten seconds.
until_true() {
    local deadline=$((SECONDS + 10))
    until "${@:2}" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$1"
        sleep 0.02
    done
}
