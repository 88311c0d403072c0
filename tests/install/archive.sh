#!/bin/bash
# The archive with the file for glibc 2.17: installed by its own script, in Debian's PHP and in one with a php.ini alone.
. "$(dirname "$0")/route.sh"

debug=$("$PHP" -n -r 'echo PHP_DEBUG ? "-debug" : "", PHP_ZTS ? "-zts" : "";')
archive=$(ls "$RELEASE"/wx_token-*-"php$php$debug-$(uname -m | sed 's/aarch64/arm64/')-linux-glibc2.17.tar.gz" | tail -n 1) || fail "there is no archive for this PHP. Run \`make dist\`"
extensions=$("$PHP" -n -r 'echo PHP_EXTENSION_DIR;')

began=$(date +%s%N)
mkdir "$work/archive"
tar --extract --file="$archive" --directory="$work/archive" --strip-components=1
expect "install.sh installs it" sh -c '"$1/archive/install.sh" "$PHP" >"$1/next"' sh "$work"
expect "what it says is next can be done" sh -e -c "$(commands "$work/next")"
account >>"/etc/php/$php/mods-available/wx_token.ini"
expect "a script gets a token" has_token first.json
echo "from nothing to a first token: $((($(date +%s%N) - began) / 1000000)) ms"

expect "its command has the same" sh -c '[ "$("$PHP" "$1/archive/php/bin/wx-token" get "$1/tokens/first.json")" = "$2" ]' sh "$work" "$(token first.json)"

installed
expect "it is the file of the archive" cmp "$work/archive/wx_token.so" "$extensions/wx_token.so"
expect "its check sum is that of PIE's archive" sh -c '[ "$(unzip -p "$1" wx_token.so | sha256sum)" = "$(sha256sum <"$2")" ]' \
    sh "$RELEASE"/php_wx_token-*_"php$php-$(uname -m | sed 's/aarch64/arm64/')-linux-glibc$debug.zip" "$extensions/wx_token.so"
expect "--ri shows it" sh -c '"$PHP" --ri wx_token | grep -q "^wx_token.appid => wx0123456789abcdef"'
expect "it is loaded without a word" starts_silently
start_fpm
expect "php-fpm gets a token" is_served first.json

phpdismod -v "$php" wx_token
refuse "phpdismod disables it" is_loaded
phpenmod -v "$php" wx_token
expect "phpenmod enables it" is_loaded

# An upgrade while php-fpm has the old file mapped.
old=$(stat -c %i "$extensions/wx_token.so")
expect "install.sh installs it again" sh -c '"$1/archive/install.sh" "$PHP" >"$1/next"' sh "$work"
expect "it says what is next" grep -q 'when it reloads' "$work/next"
[ -z "$(commands "$work/next")" ] || fail "it would be enabled twice"
refuse "the file is another one" test "$old" = "$(stat -c %i "$extensions/wx_token.so")"
expect "php-fpm still gets the token" is_served first.json
stop_fpm
expect "only that file is there" test "$(find "$extensions" -name '*wx_token*' | wc -l)" = 1

# A foreign file is refused before anything is copied.
cp -r "$work/archive" "$work/foreign"
echo "built for another PHP" >"$work/foreign/wx_token.so"
refuse "a file that this PHP cannot load is not installed" "$work/foreign/install.sh" "$PHP"
said 'Take the archive for your PHP'
expect "the installed file is as it was" cmp "$work/archive/wx_token.so" "$extensions/wx_token.so"

forget_settings
rm "$extensions/wx_token.so"
expect "PHP misses nothing" starts_silently
expect "nothing is left" nothing_is_left

# A PHP as the panel 宝塔 (BT) lays it out: no folder of .ini files, and a php.ini for servers beside that of scripts.
panel=$work/panel
mkdir -p "$panel/bin" "$panel/etc" "$panel/extensions"
printf 'extension_dir = %s\n' "$panel/extensions" | tee "$panel/etc/php.ini" >"$panel/etc/php-cli.ini"
for program in "$PHP" "$PHP_FPM"; do
    printf '#!/bin/sh\nPHP_INI_SCAN_DIR= exec %s -c %s "$@"\n' "$program" "$panel/etc" >"$panel/bin/${program##*/}"
    chmod +x "$panel/bin/${program##*/}"
done
PHP=$panel/bin/${PHP##*/} PHP_FPM=$panel/bin/${PHP_FPM##*/}
expect "install.sh installs it" sh -c '"$1/archive/install.sh" "$PHP" >"$1/next"' sh "$work"
expect "what it says is next can be done" sh -e -c "$(commands "$work/next")"
account | tee -a "$panel/etc/php.ini" >>"$panel/etc/php-cli.ini"
expect "a script gets a token" has_token second.json
start_fpm
expect "php-fpm gets a token" is_served second.json
stop_fpm

# A PHP that warns when it starts, and whose folder of extensions is not there yet.
cat >"$panel/etc/php-cli.ini" <<C
extension_dir = $panel/new/extensions
extension = missing
display_errors = 1
display_startup_errors = 1
C
expect "install.sh installs it" sh -c '"$1/archive/install.sh" "$PHP" >"$1/next"' sh "$work"
expect "into the folder that PHP names" cmp "$work/archive/wx_token.so" "$panel/new/extensions/wx_token.so"
expect "both files of settings are named" test "$(commands "$work/next")" = "echo extension=wx_token >>$panel/etc/php-cli.ini
echo extension=wx_token >>$panel/etc/php.ini"
