--TEST--
The status page as HTML in two languages, as JSON and for Prometheus, with headers that let nothing else load
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/page.inc';
$site = new Site('formats', ['files' => []]);
$directory = $site->directory;
unset($site);
mkdir($directory, 0700, true);
$files = ["$directory/fresh.json", "$directory/failing.json", "$directory/missing.json", "$directory/a \"quoted\" back\\slash\nline \xff.json"];
write_token($files[0], time() + 5000);
$failure = ['errcode' => 40164, 'errmsg' => 'invalid ip 203.0.113.7, not in whitelist', 'failed_at_ms' => time() * 1000,
    'retry_at_ms' => (time() + 600) * 1000, 'failures' => 3];
write_token($files[1], 1588219064, ['wx_token' => $failure]);
$site = new Site('formats', ['files' => $files], ['wx_token.log' => "$directory/log"]);

$html = $site->get();
foreach (['Content-Type', 'Cache-Control', 'X-Frame-Options', 'X-Content-Type-Options', 'Referrer-Policy', 'Vary', 'Content-Language', 'Set-Cookie'] as $name) {
    echo "$name: ", $html->header($name), "\n";
}
echo preg_replace("/'sha256-[^']+'/", 'HASH', $html->header('Content-Security-Policy')), "\n";
preg_match('~<style>(.*?)</style>~s', $html->body, $style);
var_dump(strpos($html->header('Content-Security-Policy'), "style-src 'sha256-" . base64_encode(hash('sha256', $style[1], true)) . "'") !== false);
echo "-- nothing from elsewhere, and no script\n";
var_dump(preg_match('~<script|\son\w+=|\sstyle=|<(?:img|iframe|object|form)\b|(?:src|href)="(?!/status\.php|data:image/svg)|url\(|@import~i', $html->body));

echo "-- languages\n";
foreach (['', 'zh', 'zh-CN,zh;q=0.9,en;q=0.8', 'en-US,en;q=0.9,zh;q=0.8', 'de', 'de,zh-TW;q=0.5', 'en;q=0,zh;q=0.1', 'english', ';;,=', 'en;q=0.2, ZH;q=0.3'] as $accepted) {
    echo "$accepted: ", $site->get('', ['Accept-Language' => $accepted])->header('Content-Language'), "\n";
}
echo '?lang=en: ', $site->get('lang=en', ['Accept-Language' => 'zh'])->header('Content-Language'), "\n";
echo '?lang=zh: ', $site->get('lang=zh', ['Accept-Language' => 'en'])->header('Content-Language'), "\n";
echo '?lang=fr, ?lang[]=zh: ', $site->get('lang=fr')->header('Content-Language'), ' ', $site->get('lang[]=zh')->header('Content-Language'), "\n";
$chinese = $site->get('lang=zh')->body;
foreach (['有效', '已过期', '不存在', '把 203.0.113.7 加到账号的 IP 白名单', '<html lang="zh-CN">'] as $text) {
    var_dump(strpos($chinese, $text) !== false);
}
foreach (['>fresh<', '>expired<', '>missing<', 'Add 203.0.113.7 to the account&#039;s IP whitelist', '<html lang="en">'] as $text) {
    var_dump(strpos($html->body, $text) !== false);
}

echo "-- JSON\n";
$json = $site->get('format=json');
echo $json->status, ' ', $json->header('Content-Type'), ' ', $json->header('Cache-Control'), "\n";
$all = json_decode($json->body, true);
echo implode(' ', array_keys($all)), "\n";
foreach ($all['files'] as $file) {
    echo json_encode([basename($file['file']), $file['state'], $file['level'], $file['failure']['errcode'] ?? null, $file['last_refresh'], $file['last_day']['failed']]), "\n";
}

echo "-- Prometheus\n";
$text = $site->get('format=prometheus');
echo $text->status, ' ', $text->header('Content-Type'), "\n";
echo preg_replace(['~' . preg_quote($directory, '~') . '~', '/ 1[0-9]{9}$/m', '/^.*(?:exposed|log_writable).*\n/m'], ['DIR', ' TIME', ''], $text->body);

echo "-- others\n";
foreach (['format=xml', 'format[]=json'] as $query) {
    $answer = $site->get($query);
    echo "$query: $answer->status ", strtok($answer->header('Content-Type'), ';'), "\n";
}
var_dump($site->get('every=60')->header('Refresh'), $site->get('every=1')->header('Refresh'), $site->get('every=60;url=http://x')->header('Refresh'));
echo "-- an expiry that no token of WeChat has\n";
write_token($files[2], time() + 86400 * 90);
var_dump(strpos($site->get()->body, 'It counts as expired: its expiry is more than a day away') > 0, strpos($site->get('lang=zh')->body, '请检查每台写入该文件的服务器的时钟') > 0);
?>
--EXPECT--
Content-Type: text/html; charset=utf-8
Cache-Control: no-store
X-Frame-Options: DENY
X-Content-Type-Options: nosniff
Referrer-Policy: same-origin
Vary: Accept-Language
Content-Language: en
Set-Cookie: 
default-src 'none'; style-src HASH; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'
bool(true)
-- nothing from elsewhere, and no script
int(0)
-- languages
: en
zh: zh-CN
zh-CN,zh;q=0.9,en;q=0.8: zh-CN
en-US,en;q=0.9,zh;q=0.8: en
de: en
de,zh-TW;q=0.5: zh-CN
en;q=0,zh;q=0.1: zh-CN
english: en
;;,=: en
en;q=0.2, ZH;q=0.3: zh-CN
?lang=en: en
?lang=zh: zh-CN
?lang=fr, ?lang[]=zh: en en
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
-- JSON
200 application/json no-store
time host log files
["fresh.json","fresh","ok",null,null,0]
["failing.json","expired","bad",40164,null,0]
["missing.json","missing","warn",null,null,0]
["a \"quoted\" back\\slash\nline \ufffd.json","missing","warn",null,null,0]
-- Prometheus
200 text/plain; version=0.0.4; charset=utf-8
# HELP wx_token_state Whether the token file is in this state.
# TYPE wx_token_state gauge
wx_token_state{file="DIR/fresh.json",state="fresh"} 1
wx_token_state{file="DIR/fresh.json",state="due"} 0
wx_token_state{file="DIR/fresh.json",state="expired"} 0
wx_token_state{file="DIR/fresh.json",state="damaged"} 0
wx_token_state{file="DIR/fresh.json",state="missing"} 0
wx_token_state{file="DIR/fresh.json",state="unusable"} 0
wx_token_state{file="DIR/failing.json",state="fresh"} 0
wx_token_state{file="DIR/failing.json",state="due"} 0
wx_token_state{file="DIR/failing.json",state="expired"} 1
wx_token_state{file="DIR/failing.json",state="damaged"} 0
wx_token_state{file="DIR/failing.json",state="missing"} 0
wx_token_state{file="DIR/failing.json",state="unusable"} 0
wx_token_state{file="DIR/missing.json",state="fresh"} 0
wx_token_state{file="DIR/missing.json",state="due"} 0
wx_token_state{file="DIR/missing.json",state="expired"} 0
wx_token_state{file="DIR/missing.json",state="damaged"} 0
wx_token_state{file="DIR/missing.json",state="missing"} 1
wx_token_state{file="DIR/missing.json",state="unusable"} 0
wx_token_state{file="DIR/a \"quoted\" back\\slash\\nline \\xff.json",state="fresh"} 0
wx_token_state{file="DIR/a \"quoted\" back\\slash\\nline \\xff.json",state="due"} 0
wx_token_state{file="DIR/a \"quoted\" back\\slash\\nline \\xff.json",state="expired"} 0
wx_token_state{file="DIR/a \"quoted\" back\\slash\\nline \\xff.json",state="damaged"} 0
wx_token_state{file="DIR/a \"quoted\" back\\slash\\nline \\xff.json",state="missing"} 1
wx_token_state{file="DIR/a \"quoted\" back\\slash\\nline \\xff.json",state="unusable"} 0
# HELP wx_token_expires_at_seconds Unix time at which the token expires.
# TYPE wx_token_expires_at_seconds gauge
wx_token_expires_at_seconds{file="DIR/fresh.json"} TIME
wx_token_expires_at_seconds{file="DIR/failing.json"} TIME
# HELP wx_token_due_at_seconds Unix time from which on the token is refreshed.
# TYPE wx_token_due_at_seconds gauge
wx_token_due_at_seconds{file="DIR/fresh.json"} TIME
wx_token_due_at_seconds{file="DIR/failing.json"} TIME
# HELP wx_token_failures Failed refreshes in a row.
# TYPE wx_token_failures gauge
wx_token_failures{file="DIR/fresh.json"} 0
wx_token_failures{file="DIR/failing.json"} 3
wx_token_failures{file="DIR/missing.json"} 0
wx_token_failures{file="DIR/a \"quoted\" back\\slash\\nline \\xff.json"} 0
# HELP wx_token_retry_at_seconds Unix time before which nobody asks WeChat again, after a failure.
# TYPE wx_token_retry_at_seconds gauge
wx_token_retry_at_seconds{file="DIR/failing.json"} TIME
# HELP wx_token_locked Whether a process holds the lock of the file.
# TYPE wx_token_locked gauge
wx_token_locked{file="DIR/fresh.json"} 0
wx_token_locked{file="DIR/failing.json"} 0
wx_token_locked{file="DIR/missing.json"} 0
wx_token_locked{file="DIR/a \"quoted\" back\\slash\\nline \\xff.json"} 0
# HELP wx_token_stored Whether the newest token of this process is in the file.
# TYPE wx_token_stored gauge
wx_token_stored{file="DIR/fresh.json"} 1
wx_token_stored{file="DIR/failing.json"} 1
wx_token_stored{file="DIR/missing.json"} 1
wx_token_stored{file="DIR/a \"quoted\" back\\slash\\nline \\xff.json"} 1
-- others
format=xml: 400 text/plain
format[]=json: 200 text/html
string(2) "60"
string(0) ""
string(0) ""
-- an expiry that no token of WeChat has
bool(true)
bool(true)
