--TEST--
The status page lets in this machine alone, by REMOTE_ADDR, directly and by its own name, and others only as it is told to
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/page.inc';

/** How a request with other values of $_SERVER ends. */
function ask(Site $site, string $what, array $server, array $headers = []): void
{
    $answer = $site->get('', $headers, $server);
    echo "$what: $answer->status", $answer->status === 200 ? '' : ' ' . preg_replace('/^(This page is not open \w+ \S+ ?\S* ?\S*).*/s', '$1', $answer->body), "\n";
    if ($answer->status !== 200 && (strpos($answer->body, 'token.json') !== false || $answer->header('Cache-Control') !== 'no-store')) {
        echo "a refusal tells of a file, or is kept\n";
    }
}

$site = new Site('access', ['files' => ['/nowhere/token.json']]);
ask($site, 'as it is', []);
foreach (['127.0.0.1', '127.8.0.1', '::1', '::ffff:127.0.0.1'] as $address) {
    ask($site, $address, ['REMOTE_ADDR' => $address]);
}
foreach (['10.0.0.1', '126.0.0.1', '128.0.0.1', '::2', '::ffff:10.0.0.1', '127.0.0.1.example', '127.0.0.1, 10.0.0.1', '', null] as $address) {
    ask($site, json_encode($address), ['REMOTE_ADDR' => $address]);
}
echo "-- headers do not let in\n";
foreach (['X-Forwarded-For' => '127.0.0.1', 'X-Real-IP' => '127.0.0.1', 'Forwarded' => 'for=127.0.0.1', 'Client-IP' => '127.0.0.1'] as $name => $value) {
    ask($site, $name, ['REMOTE_ADDR' => '10.0.0.1'], [$name => $value]);
}
echo "-- headers shut out\n";
$names = [
    'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded', 'Forwarded', 'Forwarded-For',
    'X-Original-Forwarded-For', 'X-Real-IP', 'Ali-CDN-Real-IP', 'CDN-Loop', 'CDN-Src-IP', 'X-Client-IP', 'Client-IP',
    'X-Cluster-Client-IP', 'Proxy-Client-IP', 'WL-Proxy-Client-IP', 'True-Client-IP', 'Fastly-Client-IP', 'CF-Connecting-IP',
    'X-Azure-ClientIP', 'Via', 'X-Via',
];
foreach ($names as $name) {
    ask($site, $name, [], [$name => '127.0.0.1']);
}
echo "-- headers of a browser do not\n";
$headers = ['User-Agent' => 'Mozilla/5.0', 'Accept' => 'text/html', 'Accept-Encoding' => 'gzip', 'Accept-Language' => 'zh-CN', 'Cache-Control' => 'max-age=0', 'DNT' => '1',
    'Upgrade-Insecure-Requests' => '1', 'Sec-Fetch-Site' => 'none', 'Sec-CH-UA-Platform' => '"Linux"', 'Sec-GPC' => '1', 'Priority' => 'u=0, i', 'Referer' => 'http://127.0.0.1/'];
ask($site, 'all', [], $headers);
echo "-- names\n";
foreach (['localhost', 'LOCALHOST:80', '[::1]:8080', '127.0.0.1', 'evil.example', 'localhost.evil.example', 'localhost:80.evil.example', "a\u{202e}b", ''] as $host) {
    ask($site, json_encode($host), ['HTTP_HOST' => $host]);
}
ask($site, 'no name', ['HTTP_HOST' => null]);
unset($site);

echo "-- others are let in\n";
$allowed = ['192.0.2.7', '10.1.0.0/16', '10.2.0.4/30', '2001:db8::/33', '10.9.0.0/33', '10.8.0.0/x', '0.0.0.0/-1', 'nonsense', ''];
$site = new Site('access', ['files' => [], 'allow' => $allowed, 'hosts' => ['status.example.com'], 'behind_proxy' => true]);
$named = ['HTTP_HOST' => 'status.example.com'];
foreach (['192.0.2.7', '10.1.255.1', '10.2.0.7', '2001:db8:7fff::1'] as $address) {
    ask($site, $address, ['REMOTE_ADDR' => $address] + $named);
}
foreach (['192.0.2.8', '10.2.0.8', '10.2.0.3', '2001:db8:8000::1', '10.9.0.0', '10.8.0.0', '127.0.0.1', ''] as $address) {
    ask($site, json_encode($address), ['REMOTE_ADDR' => $address] + $named);
}
ask($site, 'behind a proxy', ['REMOTE_ADDR' => '192.0.2.7'] + $named, ['X-Forwarded-For' => '192.0.2.7']);
unset($site);
$site = new Site('access', ['files' => [], 'behind_proxy' => true]);
ask($site, 'behind a proxy on loopback', [], ['X-Forwarded-For' => '192.0.2.7']);

echo "-- methods\n";
$site = new Site('access-methods', ['files' => ['/nowhere/token.json']]);
foreach (['HEAD', 'POST', 'PUT', 'DELETE'] as $method) {
    $answer = $site->get('', [], [], $method);
    echo "$method: $answer->status, ", strlen($answer->body) > 0 ? 'a body' : 'no body', ', ', $answer->header('Allow'), "\n";
}
$first = strtok(file_get_contents(__DIR__ . '/../../php/status.php'), "\n");
var_dump(strpos($first, 'this machine') !== false && strpos($first, 'REMOTE_ADDR') !== false);
?>
--EXPECT--
as it is: 200
127.0.0.1: 200
127.8.0.1: 200
::1: 200
::ffff:127.0.0.1: 200
"10.0.0.1": 403 This page is not open to 10.0.0.1. Add it
"126.0.0.1": 403 This page is not open to 126.0.0.1. Add it
"128.0.0.1": 403 This page is not open to 128.0.0.1. Add it
"::2": 403 This page is not open to ::2. Add it
"::ffff:10.0.0.1": 403 This page is not open to ::ffff:10.0.0.1. Add it
"127.0.0.1.example": 403 This page is not open to 127.0.0.1.example. Add it
"127.0.0.1, 10.0.0.1": 403 This page is not open to 127.0.0.1, 10.0.0.1. Add
"": 403 This page is not open to ?. Add it
null: 403 This page is not open to ?. Add it
-- headers do not let in
X-Forwarded-For: 403 This page is not open to 10.0.0.1. Add it
X-Real-IP: 403 This page is not open to 10.0.0.1. Add it
Forwarded: 403 This page is not open to 10.0.0.1. Add it
Client-IP: 403 This page is not open to 10.0.0.1. Add it
-- headers shut out
X-Forwarded-For: 403 This page is not open to requests through a
X-Forwarded-Proto: 403 This page is not open to requests through a
X-Forwarded-Host: 403 This page is not open to requests through a
X-Forwarded: 403 This page is not open to requests through a
Forwarded: 403 This page is not open to requests through a
Forwarded-For: 403 This page is not open to requests through a
X-Original-Forwarded-For: 403 This page is not open to requests through a
X-Real-IP: 403 This page is not open to requests through a
Ali-CDN-Real-IP: 403 This page is not open to requests through a
CDN-Loop: 403 This page is not open to requests through a
CDN-Src-IP: 403 This page is not open to requests through a
X-Client-IP: 403 This page is not open to requests through a
Client-IP: 403 This page is not open to requests through a
X-Cluster-Client-IP: 403 This page is not open to requests through a
Proxy-Client-IP: 403 This page is not open to requests through a
WL-Proxy-Client-IP: 403 This page is not open to requests through a
True-Client-IP: 403 This page is not open to requests through a
Fastly-Client-IP: 403 This page is not open to requests through a
CF-Connecting-IP: 403 This page is not open to requests through a
X-Azure-ClientIP: 403 This page is not open to requests through a
Via: 403 This page is not open to requests through a
X-Via: 403 This page is not open to requests through a
-- headers of a browser do not
all: 200
-- names
"localhost": 200
"LOCALHOST:80": 200
"[::1]:8080": 200
"127.0.0.1": 200
"evil.example": 403 This page is not open by the name evil.example.
"localhost.evil.example": 403 This page is not open by the name localhost.evil.example.
"localhost:80.evil.example": 403 This page is not open by the name localhost:80.evil.example.
"a\u202eb": 403 This page is not open by the name a\u{202e}b.
"": 403 This page is not open by the name ?.
no name: 403 This page is not open by the name ?.
-- others are let in
192.0.2.7: 200
10.1.255.1: 200
10.2.0.7: 200
2001:db8:7fff::1: 200
"192.0.2.8": 403 This page is not open to 192.0.2.8. Add it
"10.2.0.8": 403 This page is not open to 10.2.0.8. Add it
"10.2.0.3": 403 This page is not open to 10.2.0.3. Add it
"2001:db8:8000::1": 403 This page is not open to 2001:db8:8000::1. Add it
"10.9.0.0": 403 This page is not open to 10.9.0.0. Add it
"10.8.0.0": 403 This page is not open to 10.8.0.0. Add it
"127.0.0.1": 403 This page is not open to 127.0.0.1. Add it
"": 403 This page is not open to ?. Add it
behind a proxy: 200
behind a proxy on loopback: 403 This page is not open to requests through a
-- methods
HEAD: 200, no body, 
POST: 405, a body, GET, HEAD
PUT: 405, a body, GET, HEAD
DELETE: 405, a body, GET, HEAD
bool(true)
