#!/bin/bash
# PHP's own build system, and so PIE: phpize, configure, make, make install. With `--short`, only what needs no build
# but the one in target/release.
set -euo pipefail
# `make test` would hand its own variables to each make below it.
unset MAKEFLAGS MFLAGS MAKELEVEL

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
process=
leave() {
    [ -z "$process" ] || { kill "$process" && wait "$process"; } 2>/dev/null || true
    # It removes modules/, too, with what was built for this PHP.
    (cd "$root/pie" && "$phpize" --clean) >/dev/null
    rm -rf "$work"
}
. "$root/tests/install/expect.sh"

phpize=${PHP_CONFIG%/*}/phpize${PHP_CONFIG##*/php-config}
trap leave EXIT
began=$(date +%s)

# configured FOLDER SOURCE [ARGUMENT…]: configures pie/, which is SOURCE, in a folder.
configured() { (cd "$1" && "$2/configure" "--with-php-config=$PHP_CONFIG" "${@:3}"); }
made() { make -C "$1" "${@:2}"; }

# reason: what configure said last.
reason() { sed -n 's/^configure: error: //p' "$work/output"; }

# stops WITH COMMAND…: configure ends, and its one line says this.
stops() {
    refuse "configure stops" "${@:2}"
    said "^configure: error: .*$1"
    [ "$(reason | wc -l)" -eq 1 ] || fail "the reason is not one line"
}

# A folder elsewhere, as well as the one of the checkout: what is made must not depend on it.
mkdir "$work/elsewhere"
expect "phpize prepares the folder" sh -c 'cd "$1" && "$2"' sh "$root/pie" "$phpize"
expect "configure runs in a folder elsewhere" configured "$work/elsewhere" "$root/pie"

# The build that the other tests have made, by the same cargo command with the same settings.
export CARGO_TARGET_DIR=${WX_TOKEN_SO%/release/*}
expect "make builds the extension" made "$work/elsewhere" -j2
said "Finished .release. profile"
# Else this build is another one: it would take minutes, and would not be what the other tests have tested.
kept_silent_of Compiling
expect "it is the one of \`make build\`" cmp "$WX_TOKEN_SO" "$work/elsewhere/modules/wx_token.so"
expect "nothing else would be installed" test "$(ls "$work/elsewhere/modules")" = "wx_token.la
wx_token.so"

# As sudo does it: root has another PATH, and no cargo.
directory=$work/installed$("$PHP_CONFIG" --extension-dir)
file=$directory/wx_token.so
as_root() { env --ignore-environment PATH=/usr/bin:/bin make -C "$work/elsewhere" "INSTALL_ROOT=$work/installed" "$@"; }
mkdir -p "$directory"
echo "the library that a running PHP has mapped" >"$file"
exec 9<"$file"
mkdir "$work/no-rename"
printf '#!/bin/sh\nexit 1\n' >"$work/no-rename/mv"
chmod +x "$work/no-rename/mv"
refuse "make install ends before its rename" \
    env --ignore-environment "PATH=$work/no-rename:/usr/bin:/bin" make -C "$work/elsewhere" "INSTALL_ROOT=$work/installed" install
expect "the old library is still there" grep -q "has mapped" "$file"
expect "and nothing beside it" test "$(ls -A "$directory")" = wx_token.so
expect "make install needs no cargo" as_root install
expect "the extension is installed" cmp "$WX_TOKEN_SO" "$file"
expect "and nothing else" test "$(find "$work/installed" -type f)" = "$file"
expect "its mode is that of \`make install\` in the root" test "$(stat -c %a "$file")" = 644
expect "a PHP that runs keeps the library that it has" grep -q "has mapped" <&9
expect "it is installed once more" as_root install

# ri: what `php --ri` says of it.
ri() { "$PHP" -n -d "extension=$file" "$@" --ri wx_token; }
expect "php --ri shows it" ri
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
said "^Version => $version$"

"$WECHAT_EMULATOR" >"$work/emulator" 2>&1 &
process=$!
until_true "the emulator listens" grep -q '^wx_token.secret' "$work/emulator"
{ echo "extension=$file"; grep '^wx_token\.' "$work/emulator"; } >"$work/php.ini"
expect "a script gets a token" "$PHP" -n -c "$work/php.ini" -r 'echo wx_get_token($argv[1]);' "$work/token.json"
said '^EMU[A-Za-z0-9_-]{16,}$'
expect "php-fpm loads it" "$PHP_FPM" -n -c "$work/php.ini" -i
said '^wx_token support => enabled$'

expect "make uninstall removes it" as_root uninstall
expect "and leaves nothing" test -z "$(find "$work/installed" -type f)"
expect "make clean" made "$work/elsewhere" clean
expect "leaves the build of others" test -f "$WX_TOKEN_SO"

# Debian's php-config knows more than that of PHP's own sources, which ends with its usage when it is asked for it.
cat >"$work/own-php-config" <<C
#!/bin/sh
case \$1 in
    --prefix | --includes | --ldflags | --libs | --extension-dir | --include-dir | --man-dir | --php-binary | --php-sapis | \\
        --ini-path | --ini-dir | --configure-options | --version | --vernum) exec "$PHP_CONFIG" "\$@" ;;
esac
echo "Usage: \$0 [OPTION]"
exit 1
C
chmod +x "$work/own-php-config"
mkdir "$work/own"
configured_by_own() { PHP_CONFIG=$work/own-php-config configured "$work/own" "$root/pie"; }
# target FOLDER: where cargo builds from there.
target() { grep -E '^wx_token_(kind|root) = ' "$1/Makefile"; }
expect "configure runs with PHP's own php-config" configured_by_own
expect "and builds in the same folder" test "$(target "$work/own")" = "$(target "$work/elsewhere")"
expect "which is named after PHP's interface" sh -c 'echo "$1" | grep -qxE "wx_token_kind = [0-9]{8}(-zts)?(-debug)?"' sh "$(target "$work/own")"

# What is missing is said before anything is compiled.
cat >"$work/php-config" <<C
#!/bin/sh
if [ "\$1" = --version ]; then echo "\$PRETENDED_PHP"; else exec "$PHP_CONFIG" "\$@"; fi
C
cat >"$work/rustc" <<'C'
#!/bin/sh
echo "rustc 1.63.0 (an old one)"
C
chmod +x "$work/php-config" "$work/rustc"
mkdir "$work/nothing"
required() { env "$@" sh "$root/pie/requirements" "$root" "${php_config:-$PHP_CONFIG}"; }
stops "needs Rust .* or newer, and .* is Rust 1.63.0" configured "$work/nothing" "$root/pie" "RUSTC=$work/rustc"
expect "what is needed is here" required
# lacks WHAT SETTING…: the line that says so.
lacks() { refuse "with ${*:2}, nothing is built" required "${@:2}"; said "$1"; }
lacks "there is no .* in the PATH. Install Rust" CARGO=/nowhere/cargo
lacks "cannot find libclang in $work/nothing" "LIBCLANG_PATH=$work/nothing"
php_config=$work/php-config
lacks "needs PHP .* or newer, and .* is of PHP 7.4.33" PRETENDED_PHP=7.4.33
end=$(sed -n 's/.*"php": ">=.* <\(.*\)".*/\1/p' "$root/composer.json")
lacks "was not tried with PHP $end or newer.* Take a newer wx_token" "PRETENDED_PHP=$end.0beta1"
expect "a PHP that is tried before its release" required "PRETENDED_PHP=${end%.*}.$((${end#*.} - 1)).0RC3"
php_config=/nowhere/php-config
lacks "cannot run /nowhere/php-config. Name yours" CARGO=cargo

echo "after $(($(date +%s) - began)) s"
[ "${1-}" != --short ] || exit 0

# From nothing, as PIE does it: an archive of the last commit, built where it is unpacked.
unset CARGO_TARGET_DIR
mkdir "$work/archive"
git -C "$root" archive HEAD | tar --extract --directory "$work/archive"
folder=$work/archive/pie
began=$(date +%s)
expect "phpize prepares the archive" sh -c 'cd "$1" && "$2"' sh "$folder" "$phpize"
expect "configure runs there" configured "$folder" .
expect "make builds the archive" made "$folder" -j2
expect "make install installs it" made "$folder" "INSTALL_ROOT=$work/installed" install
echo "from the archive to the installed extension: $(($(date +%s) - began)) s"
expect "php --ri shows it" ri
expect "nothing is built again" made "$folder" -q "$folder/modules/wx_token.so"
expect "make test runs the PHP tests" made "$folder" test
said "^Tests failed +: +0 "
expect "configure runs once more" configured "$folder" .
refuse "it may be for another PHP: all is built again" made "$folder" -q "$folder/modules/wx_token.so"
expect "make clean" made "$folder" clean
refuse "removes what cargo has built" sh -c 'ls "$1"/target/phpize/*' sh "$work/archive"
