# What the routes of built packages share: each runs on a copy of this machine that nobody else sees, and that ends
# with it. A route sources this file first.

if [ "${1-}" = --short ]; then
    echo "skipped installation by $(basename "$0" .sh): it needs a package, which \`make test-install\` builds"
    exit 0
fi

# /etc, /usr and /var are overlays in a mount namespace of its own. No cargo is in the PATH: nothing may be built.
if [ -z "${in_overlay-}" ]; then
    exec unshare --mount --propagation private env --ignore-environment in_overlay=yes \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        PHP="$PHP" PHP_FPM="$PHP_FPM" WECHAT_EMULATOR="$WECHAT_EMULATOR" RELEASE="${RELEASE-}" /bin/bash "$0"
fi

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RELEASE=${RELEASE:-$root/target/packages}
php=$("$PHP" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
work=$(mktemp -d)
started=
# By their numbers: other tests run php-fpm and the emulator, too.
leave() {
    for process in $started; do kill "$process" 2>/dev/null && wait "$process" 2>/dev/null || true; done
    rm -rf "$work"
}
trap leave EXIT
for folder in etc usr var; do
    mkdir -p "$work/overlay/$folder/upper" "$work/overlay/$folder/work"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$work/overlay/$folder/upper,workdir=$work/overlay/$folder/work" "/$folder"
done
# In sight of www-data.
chmod 0755 "$work"

is_loaded() { "$PHP" -r 'exit(extension_loaded("wx_token") ? 0 : 1);'; }

# PHP says nothing when it starts: no library is missing, none is loaded twice.
starts_silently() { [ "$("$PHP" -d display_startup_errors=1 -d error_log=/dev/stderr -r '' 2>&1)" = "" ]; }

mkdir "$work/tokens" && chown www-data: "$work/tokens"
# The settings come on its standard error.
"$WECHAT_EMULATOR" >"$work/emulator" 2>&1 &
started="$started $!"
until_true "the emulator listens" grep -q '^wx_token.secret' "$work/emulator"

# In php.ini, as an administrator who has the extension in sight would write it: it is read by every SAPI.
account() { grep '^wx_token\.' "$work/emulator"; }

# token FILE: what a script on the command line gets for it, as www-data.
token() {
    setpriv --reuid=www-data --regid=www-data --clear-groups \
        "$PHP" -r 'echo wx_get_token($argv[1]), PHP_EOL;' "$work/tokens/$1"
}

# is_token TEXT: it is one of the emulator's, and nothing else is printed beside it.
is_token() { [[ $1 =~ ^EMU[A-Za-z0-9_-]{16,}$ ]] || { echo "$1"; return 1; }; }

has_token() { is_token "$(token "$1" 2>&1)"; }

# Every php-fpm reads the php.ini and the conf.d of the machine, so that what enables an extension there counts.
start_fpm() {
    cat >"$work/fpm.conf" <<C
[global]
error_log = $work/fpm.log
process_control_timeout = 10s
[pool]
listen = $work/fpm.socket
user = www-data
pm = static
pm.max_children = 2
C
    echo '<?php echo wx_get_token($_GET["file"]), PHP_EOL;' >"$work/call.php"
    "$PHP_FPM" --nodaemonize --fpm-config "$work/fpm.conf" 2>/dev/null &
    fpm=$!
    started="$started $fpm"
    until_true "php-fpm listens" test -S "$work/fpm.socket"
}

stop_fpm() { kill -QUIT "$fpm" && wait "$fpm"; }

# served FILE: the same token from php-fpm.
served() {
    SCRIPT_FILENAME=$work/call.php QUERY_STRING=file=$work/tokens/$1 REQUEST_METHOD=GET \
        cgi-fcgi -bind -connect "$work/fpm.socket" | tail -n 1
}

is_served() { is_token "$(served "$1")"; }

# commands FILE: those that install.sh has said are next.
commands() { sed -n 's/^  //p' "$1"; }

# installed: every file of ours in /etc, /usr and /var.
installed() { find /etc /usr /var -xdev \( -name '*wx_token*' -o -name '*wx-token*' \) | sort; }

# forget_settings: disables the extension, and removes what the administrator wrote for it.
forget_settings() {
    phpdismod -v "$php" wx_token
    rm "/etc/php/$php/mods-available/wx_token.ini"
    rm -f "/var/lib/php/modules/$php"/*/*/wx_token
}

nothing_is_left() { [ -z "$(installed)" ] || { installed; return 1; }; }

nothing_is_left || fail "this machine has wx_token already"
if command -v cargo >/dev/null; then fail "there is a cargo in the PATH: $PATH"; fi
