#!/bin/sh
# Installs the wx_token.so beside this script into a PHP, or a newer one over it, and says how to enable it:
#   ./install.sh                              the php of the PATH
#   ./install.sh /www/server/php/82/bin/php   another one
# `make install` names the file as well. DESTDIR is what packagers expect.
set -eu

fail() { echo "install.sh: $1" >&2; exit 1; }

library=${2:-$(cd "$(dirname "$0")" && pwd)/wx_token.so}
php=$(command -v "${1:-php}") || fail "cannot run ${1:-php}. Name your PHP: ./install.sh /path/to/bin/php"
# PHP prints a warning in place of an error.
said=$("$php" -n -d "extension=$library" -r 'echo extension_loaded("wx_token") ? "loaded" : "";' 2>&1) || said=
case $said in
    *loaded) ;;
    *) fail "$php ($("$php" -n -r 'echo PHP_VERSION, PHP_ZTS ? " ZTS" : " NTS", PHP_DEBUG ? " debug" : "";')) cannot load this file. Take the archive for your PHP. It says:
$said" ;;
esac

# configured CODE: what this PHP prints with its configuration. Its warnings, such as that of an extension that is missing,
# would be on standard output, too.
configured() { "$php" -d display_errors=stderr -r "$1" 2>/dev/null; }
version=$("$php" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
directory=$(configured 'echo ini_get("extension_dir");') || fail "$php does not start with its configuration. See: $php -v"
case $directory in
    /*) directory=${DESTDIR-}$directory ;;
    *) fail "extension_dir of $php is \"$directory\", which is not an absolute path. Correct it in php.ini" ;;
esac
was_enabled=$(configured 'echo extension_loaded("wx_token") ? "yes" : "";')

# By a rename: a php-fpm that runs has the old file mapped, and would crash if it were overwritten. In the folder itself,
# where the rules of SELinux give it the right label.
new=$directory/.wx_token.so.$$
trap 'rm -f "$new"' EXIT
{ mkdir -p "$directory" && cp "$library" "$new" && chmod 0644 "$new"; } || fail "cannot write to $directory. Run it as root"
mv -f "$new" "$directory/wx_token.so"
echo "Installed $directory/wx_token.so."

if [ -n "$was_enabled" ]; then
    echo "It is enabled already. php-fpm takes the new file up when it reloads, Apache when it restarts."
    exit 0
fi

ini=$(configured 'echo php_ini_loaded_file();')
scanned=$(configured '$set = getenv("PHP_INI_SCAN_DIR"); echo $set === false ? PHP_CONFIG_FILE_SCAN_DIR : $set;')
echo "To enable it, as root:"
if [ -d "/etc/php/$version/mods-available" ] && [ "$scanned" = "/etc/php/$version/cli/conf.d" ]; then
    echo "  echo extension=wx_token >/etc/php/$version/mods-available/wx_token.ini"
    echo "  phpenmod -v $version wx_token"
elif [ -d "$scanned" ]; then
    echo "  echo extension=wx_token >$scanned/40-wx_token.ini"
else
    ini=${ini:-$("$php" -n -r 'echo PHP_CONFIG_FILE_PATH;')/php.ini}
    echo "  echo extension=wx_token >>$ini"
    # Where scripts on the command line have one of their own, servers have the other.
    [ "${ini##*/}" != php-cli.ini ] || echo "  echo extension=wx_token >>${ini%/*}/php.ini"
fi
echo "Then restart php-fpm or Apache, and look: $php --ri wx_token"
echo "To uninstall it, remove that line and $directory/wx_token.so, and restart."
