#!/bin/bash
# `make install`, as the README has it: root, who has no cargo, installs what `make build` has built.
. "$(dirname "$0")/route.sh"

made() { make --no-print-directory --directory "$root" "CARGO_TARGET_DIR=${WECHAT_EMULATOR%/release/*}" "PHP=$PHP" "$1"; }

began=$(date +%s%N)
expect "make install installs it" made install
expect "what it says is next can be done" sh -e -c "$(commands "$work/output")"
account >>"/etc/php/$php/mods-available/wx_token.ini"
expect "a script gets a token" has_token first.json
echo "from the build to a first token: $((($(date +%s%N) - began) / 1000000)) ms"

installed
expect "--ri shows it" sh -c '"$PHP" --ri wx_token | grep -q "^wx_token.appid => wx0123456789abcdef"'
expect "it is loaded without a word" starts_silently
start_fpm
expect "php-fpm gets a token" is_served first.json
expect "php-fpm and the script have the same" test "$(served first.json)" = "$(token first.json)"
expect "make install installs it again" made install
[ -z "$(commands "$work/output")" ] || fail "it would be enabled twice"
expect "php-fpm still gets the token" is_served first.json
stop_fpm

refuse "make uninstall removes nothing that PHP loads" made uninstall
said 'Remove the line "extension=wx_token"'
expect "a script still gets a token" has_token first.json
forget_settings
expect "make uninstall removes it" made uninstall
expect "PHP misses nothing" starts_silently
expect "the token file is as it was" test -s "$work/tokens/first.json"
expect "nothing is left" nothing_is_left
