--TEST--
The status page refreshes a token by hand for a form of its own alone, once, and says how it went
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/page.inc';
$pipes = [];
$emulator = proc_open('exec ' . escapeshellarg(getenv('WECHAT_EMULATOR')) . ' --exit-with-stdin', [['pipe', 'r'], ['pipe', 'w'], ['file', '/dev/null', 'w']], $pipes);
preg_match('~ listening on (http://\S+)~', (string) fgets($pipes[1]), $match) || exit('the emulator did not start');
$url = $match[1];
function control(string $call, ?string $body = null, string $method = 'POST'): array
{
    global $url;
    $http = ['method' => $method, 'content' => (string) $body, 'header' => 'Content-Type: application/json'];
    return json_decode((string) file_get_contents("$url/emulator/$call", false, stream_context_create(['http' => $http])), true) ?: [];
}
function fetches(): int
{
    return array_sum(control('stats', null, 'GET')['fetches']);
}

$site = new Site('refresh', ['files' => []]);
$directory = $site->directory;
unset($site);
mkdir($directory, 0700, true);
$files = ["$directory/expired.json", "$directory/missing.json", "$directory/failing.json", "$directory/classic.json", "$directory/jsapi.json"];
write_token($files[0], 1588219064);
write_token($files[3], time() + 5000);
$account = ['appid' => 'wx0123456789abcdef', 'secret' => '0123456789abcdef0123456789abcdef'];
$entries = array_fill_keys($files, $account);
$entries[$files[3]]['endpoint'] = 'classic';
$entries[$files[4]] += ['ticket' => 'jsapi', 'token_file' => $files[1]];
$ini = ['wx_token.api_base' => $url];
$site = new Site('refresh', ['files' => $entries, 'refresh' => true], $ini);

$page = $site->get();
$key = $page->cookie('wx_token_status');
var_dump(preg_match('/^[0-9a-f]{64}$/', $key), strpos($page->header('Set-Cookie'), '; HttpOnly; SameSite=Strict') !== false);
preg_match_all('~name="file" value="(\w+)"><input type="hidden" name="token" value="(\w+)"~', $page->body, $forms, PREG_SET_ORDER);
$fields = [];
foreach ($forms as $form) {
    $fields[$form[1]] = ['file' => $form[1], 'token' => $form[2]];
}
$ids = array_map(static function ($file) {
    return substr(hash('sha256', $file), 0, 12);
}, $files);
echo count($fields), ' forms, ', count(array_unique(array_column($fields, 'token'))), " tokens\n";
$expired = $fields[$ids[0]];

echo "-- refused\n";
$others = ['a' . substr($key, 1) === $key ? 'b' . substr($key, 1) : 'a' . substr($key, 1), str_repeat('0', 64)];
$refused = [
    'GET' => $site->get(http_build_query($expired), ['Cookie' => "wx_token_status=$key", 'Origin' => "http://$site->host"]),
    'no token' => $site->post(['file' => $ids[0]], $key),
    'an empty token' => $site->post(['token' => ''] + $expired, $key),
    'the token of another file' => $site->post(['token' => $fields[$ids[1]]['token']] + $expired, $key),
    'a token in a list' => $site->post(['token' => [$expired['token']]] + $expired, $key),
    'no cookie' => $site->post($expired, ''),
    'the cookie of another visit' => $site->post($expired, $others[0]),
    'no cookie, and the token of an empty one' => $site->post(['file' => $ids[0], 'token' => hash_hmac('sha256', "refresh\n$ids[0]", '')], ''),
    'from another origin' => $site->post($expired, $key, ['Origin' => 'http://evil.example']),
    'from another port' => $site->post($expired, $key, ['Origin' => 'http://127.0.0.1:1']),
    'from another scheme' => $site->post($expired, $key, ['Origin' => "https://$site->host"]),
    'from a page that was not encrypted' => $site->post($expired, $key, [], ['HTTPS' => 'on']),
    'the same, by REQUEST_SCHEME' => $site->post($expired, $key, [], ['REQUEST_SCHEME' => 'https']),
    'without a scheme' => $site->post($expired, $key, ['Origin' => $site->host]),
    'from no origin' => $site->post($expired, $key, ['Origin' => 'null']),
    'from another site' => $site->post($expired, $key, ['Sec-Fetch-Site' => 'same-site']),
    'a file that is not on the page' => $site->post(['file' => 'x', 'token' => hash_hmac('sha256', "refresh\nx", $key)], $key),
];
foreach ($refused as $what => $answer) {
    echo "$what: $answer->status", strpos($answer->body, 'Nothing was refreshed') !== false ? ', and says so' : '', "\n";
}
echo fetches(), " fetches\n";

/** Presses a button, and reads the page that follows. */
function press(Site $site, array $form, string $key): void
{
    $before = fetches();
    $answer = $site->post($form, $key, ['Sec-Fetch-Site' => 'same-origin']);
    $note = $answer->cookie('wx_token_status_note');
    echo $answer->status, ' ', preg_replace('/#f-\w+/', '#f-ID', $answer->header('Location')), ', fetches: ', fetches() - $before, "\n";
    $page = $site->get('', ['Cookie' => "wx_token_status=$key; wx_token_status_note=$note"]);
    preg_match('~<p class="note (\w+)" role="status">(.*?)</p>~s', $page->body, $shown);
    echo '  ', $shown[1] ?? '', ': ', preg_replace(['~/\S*/~', '~\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d~'], ['', 'TIME'], html_entity_decode($shown[2] ?? 'no note', ENT_QUOTES)), "\n";
    if (strpos($page->body . $answer->head, 'EMU') !== false) {
        echo "a token is shown\n";
    }
    if ($page->header('Set-Cookie') === '' || strpos($page->head, 'wx_token_status_note=; HttpOnly; SameSite=Strict; Max-Age=0') === false) {
        echo "the note stays\n";
    }
}
echo "-- an expired one, and once more\n";
press($site, $expired, $key);
press($site, $expired, $key);
echo "-- a missing one\n";
press($site, $fields[$ids[1]], $key);
echo "-- a fresh one of the classic endpoint, and once more\n";
press($site, $fields[$ids[3]], $key);
press($site, $fields[$ids[3]], $key);
echo "-- a ticket\n";
press($site, $fields[$ids[4]], $key);
echo "-- a failure, and once more: nobody asks before its time\n";
control('script', json_encode([['on' => 'stable_token', 'errcode' => 40164, 'times' => 0]]));
press($site, $fields[$ids[2]], $key);
press($site, $fields[$ids[2]], $key);
$page = $site->get('', ['Cookie' => "wx_token_status=$key"])->body;
echo 'the form of it is away: ', json_encode(strpos($page, "value=\"$ids[2]\"") === false), "\n";

echo "-- by the scheme that the web server tells\n";
foreach ([['https', ['HTTPS' => 'on']], ['https', ['HTTPS' => '1']], ['https', ['REQUEST_SCHEME' => 'https']], ['http', ['HTTPS' => 'off']],
    ['http', ['HTTPS' => '', 'REQUEST_SCHEME' => 'http']]] as list($scheme, $server)) {
    $answer = $site->post($fields[$ids[2]], $key, ['Origin' => "$scheme://$site->host"], $server);
    echo json_encode($server), ", $scheme: $answer->status", strpos($answer->head, '; Secure') !== false ? ', a secure cookie' : '', "\n";
}

echo "-- a note that the page did not write\n";
$forged = rtrim(strtr(base64_encode(json_encode(['ok', 'forged', $ids[0]])), '+/', '-_'), '=');
foreach (["$forged." . hash_hmac('sha256', "note\n$forged", 'x'), "$forged.", $forged, '.'] as $note) {
    var_dump(strpos($site->get('', ['Cookie' => "wx_token_status=$key; wx_token_status_note=$note"])->body, 'role="status"'));
}
unset($site);

echo "-- where it is off\n";
mkdir($directory, 0700, true);
write_token($files[0], 1588219064);
$before = fetches();
$site = new Site('refresh', ['files' => $entries], $ini);
$page = $site->get();
var_dump(strpos($page->body, '<form'), $page->header('Set-Cookie'));
$answer = $site->post($expired, $key);
echo $answer->status, ' ', $answer->header('Allow'), ', fetches: ', fetches() - $before, "\n";
unset($site);
fclose($pipes[0]);
proc_close($emulator);
?>
--EXPECTF--
int(1)
bool(true)
5 forms, 5 tokens
-- refused
GET: 200
no token: 403, and says so
an empty token: 403, and says so
the token of another file: 403, and says so
a token in a list: 403, and says so
no cookie: 403, and says so
the cookie of another visit: 403, and says so
no cookie, and the token of an empty one: 403, and says so
from another origin: 403, and says so
from another port: 403, and says so
from another scheme: 403, and says so
from a page that was not encrypted: 403, and says so
the same, by REQUEST_SCHEME: 403, and says so
without a scheme: 403, and says so
from no origin: 403, and says so
from another site: 403, and says so
a file that is not on the page: 403, and says so
0 fetches
-- an expired one, and once more
303 /status.php#f-ID, fetches: 1
  ok: expired.json: Refreshed: a new token, valid until TIME.
303 /status.php#f-ID, fetches: 0
  ok: expired.json: The token stays: WeChat gave the same one, or was asked a short while ago. It is valid until TIME.
-- a missing one
303 /status.php#f-ID, fetches: 1
  ok: missing.json: Refreshed: a new token, valid until TIME.
-- a fresh one of the classic endpoint, and once more
303 /status.php#f-ID, fetches: 1
  ok: classic.json: Refreshed: a new token, valid until TIME.
303 /status.php#f-ID, fetches: 0
  ok: classic.json: The token stays: WeChat gave the same one, or was asked a short while ago. It is valid until TIME.
-- a ticket
303 /status.php#f-ID, fetches: 1
  ok: jsapi.json: Refreshed: a new token, valid until TIME.
-- a failure, and once more: nobody asks before its time
303 /status.php#f-ID, fetches: 1
  bad: failing.json: Not refreshed: cannot refresh failing.json: WeChat answered errcode 40164 (invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: %s). Add 127.0.0.1 to the account's IP whitelist; next attempt in 60 s, or at once with another appid or secret
303 /status.php#f-ID, fetches: 0
  bad: failing.json: Not refreshed: cannot refresh failing.json: WeChat answered errcode 40164 (invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: %s). Add 127.0.0.1 to the account's IP whitelist; next attempt in 60 s, or at once with another appid or secret
the form of it is away: true
-- by the scheme that the web server tells
{"HTTPS":"on"}, https: 303, a secure cookie
{"HTTPS":"1"}, https: 303, a secure cookie
{"REQUEST_SCHEME":"https"}, https: 303, a secure cookie
{"HTTPS":"off"}, http: 303
{"HTTPS":"","REQUEST_SCHEME":"http"}, http: 303
-- a note that the page did not write
bool(false)
bool(false)
bool(false)
bool(false)
-- where it is off
bool(false)
string(0) ""
405 GET, HEAD, fetches: 0
