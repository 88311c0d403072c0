#!/bin/bash
# The Debian package: install, disable, reinstall, upgrade, remove, purge.
. "$(dirname "$0")/route.sh"

package=php$php-wx-token
deb=$(ls "$RELEASE/${package}_"*".$(. /etc/os-release && echo "$ID$VERSION_ID")_$(dpkg --print-architecture).deb" | tail -n 1) || fail "there is no package of this system. Run \`make deb\`"

expect "lintian finds no error" lintian --allow-root --fail-on error "$deb"

# Nobody starts or stops this machine's servers. What is asked for is noted.
printf '#!/bin/sh\necho "$1 $2" >>%s/services\nexit 101\n' "$work" >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
: >"$work/services"

# has_enabled SAPI…: these, and no other.
has_enabled() {
    local enabled
    enabled=$(cd "/etc/php/$php" && find . -path '*/conf.d/*-wx_token.ini' | cut -d/ -f2 | sort | tr '\n' ' ')
    [ "$enabled" = "${*:+$* }" ] || { echo "enabled in: $enabled"; return 1; }
}
sapis=$(phpquery -v "$php" -S | sort | tr '\n' ' ')

began=$(date +%s%N)
expect "apt installs it" apt-get install -q -y "$deb"
account >>"/etc/php/$php/mods-available/wx_token.ini"
expect "a script gets a token" has_token first.json
echo "from nothing to a first token: $((($(date +%s%N) - began) / 1000000)) ms"

installed
expect "--ri shows it" sh -c '"$PHP" --ri wx_token | grep -q "^wx_token.appid => wx0123456789abcdef"'
expect "it is loaded without a word" starts_silently
# shellcheck disable=SC2086 # the list is split on purpose
expect "it is enabled in $sapis" has_enabled $sapis
start_fpm
expect "php-fpm gets a token" is_served first.json
expect "the command has the same" sh -c '[ "$(wx-token get "$1/tokens/first.json")" = "$2" ]' sh "$work" "$(token first.json)"
expect "php-fpm and the script have the same" test "$(served first.json)" = "$(token first.json)"
stop_fpm
expect "apt knows what it provides" apt-get install -q -y --no-download --simulate php-wx-token
expect "the files are those that were packed" dpkg --verify "$package"

phpdismod -v "$php" wx_token
refuse "phpdismod disables it" is_loaded
expect "it is reinstalled" dpkg -i "$deb"
refuse "a reinstall leaves it disabled" is_loaded
phpenmod -v "$php" -s cli wx_token

# An upgrade: the same files, and a later version.
next=$work/next
mkdir "$next"
dpkg-deb --raw-extract "$deb" "$next/root"
sed -i 's/^Version: .*/Version: 9:1/' "$next/root/DEBIAN/control"
dpkg-deb --build --root-owner-group "$next/root" "$next/next.deb" >/dev/null

# gaps: how often a PHP that starts while the package is upgraded has no extension.
: >"$work/runs"
while [ ! -e "$work/upgraded" ]; do "$PHP" -r 'echo (int) extension_loaded("wx_token");' >>"$work/runs"; done &
watch=$!
started="$started $watch"
until_true "PHP starts all the time" test -s "$work/runs"
expect "it is upgraded" dpkg -i "$next/next.deb"
touch "$work/upgraded"
wait "$watch"
expect "every PHP that started meanwhile had it" sh -c '! grep -q 0 "$1"' sh "$work/runs"
expect "an upgrade leaves it disabled where it was" has_enabled cli
expect "an upgrade keeps its settings" has_token first.json

phpenmod -v "$php" wx_token
: >"$work/services"
expect "it is upgraded once more" dpkg -i "$next/next.deb"
# shellcheck disable=SC2086 # the list is split on purpose
expect "it is enabled in $sapis" has_enabled $sapis
expect "php-fpm is told to reload" grep -qx "php$php-fpm reload" "$work/services"
refuse "php-fpm is not told to restart" grep -qx "php$php-fpm restart" "$work/services"

expect "it is removed" dpkg -r "$package"
refuse "it is gone" is_loaded
expect "PHP misses nothing" starts_silently
expect "its settings stay" grep -q '^wx_token.appid' "/etc/php/$php/mods-available/wx_token.ini"
expect "it is installed again" dpkg -i "$deb"
# shellcheck disable=SC2086 # the list is split on purpose
expect "it is enabled in $sapis" has_enabled $sapis
expect "the token file is as it was" has_token first.json

expect "it is purged" dpkg -P "$package"
expect "PHP misses nothing" starts_silently
expect "nothing is left" nothing_is_left
