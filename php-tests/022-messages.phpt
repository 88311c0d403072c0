--TEST--
What comes from outside is escaped in messages, and stays as it is in properties
--EXTENSIONS--
wx_token
--INI--
wx_token.appid=
--FILE--
<?php
function show(string $text): string
{
    return json_encode(str_replace(__DIR__, '…', $text), JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
}
$dir = __DIR__ . '/022-messages';
mkdir($dir);
$account = ['appid' => 'wx1', 'secret' => 's'];
foreach (["a\nb", "\u{202e}gpj.exe", "a\u{2028}b", "a\xffb", "\e]0;title\x07", "\u{200b}", 'plain "\' \\ 缓存'] as $name) {
    $path = "$dir/$name";
    echo show($path), "\n";
    file_put_contents($path, 'no token file');
    try {
        wx_get_token($path, $account);
    } catch (WxToken\FileException $e) {
        echo '  ', show($e->getMessage()), "\n";
        var_dump($e->tokenFile === $path);
    }
    $status = wx_token_status($path);
    var_dump($status['error'] === $e->getMessage(), $status['file'] === $path);
    try {
        wx_get_token("$path/x", $account);
    } catch (WxToken\FileException $e) {
        echo '  ', show($e->getMessage()), "\n";
    }
    unlink($path);
    try {
        wx_get_token($path, fn() => ['errcode' => 40013, 'errmsg' => "in\nvalid \u{202e}\x1b[1m"]);
    } catch (WxToken\ApiException $e) {
        echo '  ', show($e->getMessage()), ' ', show($e->errmsg), "\n";
    }
    unlink($path);
    try {
        wx_get_token($path, fn() => wx_get_token($path, fn() => []));
    } catch (WxToken\Exception $e) {
        echo '  ', show($e->getMessage()), "\n";
    }
    unlink($path);
}

// A failure record may be anybody's writing.
$file = "$dir/record.json";
$record = ['failed_at_ms' => time() * 1000, 'retry_at_ms' => (time() + 60) * 1000, 'failures' => 1];
foreach ([['errcode' => 40013, 'errmsg' => "a\nb\u{202e}"], ['network' => "a\nb\u{202e}"]] as $cause) {
    file_put_contents($file, json_encode(['access_token' => 'old', 'expire' => 1, 'wx_token' => $cause + $record]));
    try {
        wx_get_token($file, $account);
    } catch (WxToken\Exception $e) {
        echo show(preg_replace('/next attempt.*/', '', $e->getMessage())), ' ', show($e->errmsg ?? ''), "\n";
    }
    echo show(wx_token_status($file)['failure']['message']), "\n";
}
unlink($file);

foreach (["wx\n\u{202e}", str_repeat('x', 500)] as $appid) {
    try {
        wx_get_token($file, ['appid' => $appid]);
    } catch (WxToken\ConfigException $e) {
        echo show($e->getMessage()), "\n";
    }
}
?>
--CLEAN--
<?php
$dir = __DIR__ . '/022-messages';
array_map('unlink', array_filter(array_map(fn($name) => "$dir/$name", scandir($dir)), 'is_file'));
rmdir($dir);
?>
--EXPECT--
"\u2026/022-messages/a\nb"
  "cannot use \u2026/022-messages/a\\nb: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged"
bool(true)
bool(true)
bool(true)
  "cannot open \u2026/022-messages/a\\nb/x: a part of the path is a file, not a directory. Check the path"
  "cannot refresh \u2026/022-messages/a\\nb: the loader returned errcode 40013 (in\\nvalid \\u{202e}\\u{1b}[1m). Check the appid (case-sensitive); next attempt in 60 s" "in\\nvalid \\u{202e}\\u{1b}[1m"
  "cannot lock \u2026/022-messages/a\\nb: a loader for this file is running and called wx_token on the same file. Remove that call from the loader"
"\u2026/022-messages/\u202egpj.exe"
  "cannot use \u2026/022-messages/\\u{202e}gpj.exe: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged"
bool(true)
bool(true)
bool(true)
  "cannot open \u2026/022-messages/\\u{202e}gpj.exe/x: a part of the path is a file, not a directory. Check the path"
  "cannot refresh \u2026/022-messages/\\u{202e}gpj.exe: the loader returned errcode 40013 (in\\nvalid \\u{202e}\\u{1b}[1m). Check the appid (case-sensitive); next attempt in 60 s" "in\\nvalid \\u{202e}\\u{1b}[1m"
  "cannot lock \u2026/022-messages/\\u{202e}gpj.exe: a loader for this file is running and called wx_token on the same file. Remove that call from the loader"
"\u2026/022-messages/a\u2028b"
  "cannot use \u2026/022-messages/a\\u{2028}b: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged"
bool(true)
bool(true)
bool(true)
  "cannot open \u2026/022-messages/a\\u{2028}b/x: a part of the path is a file, not a directory. Check the path"
  "cannot refresh \u2026/022-messages/a\\u{2028}b: the loader returned errcode 40013 (in\\nvalid \\u{202e}\\u{1b}[1m). Check the appid (case-sensitive); next attempt in 60 s" "in\\nvalid \\u{202e}\\u{1b}[1m"
  "cannot lock \u2026/022-messages/a\\u{2028}b: a loader for this file is running and called wx_token on the same file. Remove that call from the loader"
"\u2026/022-messages/a\ufffdb"
  "cannot use \u2026/022-messages/a\\xffb: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged"
bool(true)
bool(true)
bool(true)
  "cannot open \u2026/022-messages/a\\xffb/x: a part of the path is a file, not a directory. Check the path"
  "cannot refresh \u2026/022-messages/a\\xffb: the loader returned errcode 40013 (in\\nvalid \\u{202e}\\u{1b}[1m). Check the appid (case-sensitive); next attempt in 60 s" "in\\nvalid \\u{202e}\\u{1b}[1m"
  "cannot lock \u2026/022-messages/a\\xffb: a loader for this file is running and called wx_token on the same file. Remove that call from the loader"
"\u2026/022-messages/\u001b]0;title\u0007"
  "cannot use \u2026/022-messages/\\u{1b}]0;title\\u{7}: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged"
bool(true)
bool(true)
bool(true)
  "cannot open \u2026/022-messages/\\u{1b}]0;title\\u{7}/x: a part of the path is a file, not a directory. Check the path"
  "cannot refresh \u2026/022-messages/\\u{1b}]0;title\\u{7}: the loader returned errcode 40013 (in\\nvalid \\u{202e}\\u{1b}[1m). Check the appid (case-sensitive); next attempt in 60 s" "in\\nvalid \\u{202e}\\u{1b}[1m"
  "cannot lock \u2026/022-messages/\\u{1b}]0;title\\u{7}: a loader for this file is running and called wx_token on the same file. Remove that call from the loader"
"\u2026/022-messages/\u200b"
  "cannot use \u2026/022-messages/\\u{200b}: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged"
bool(true)
bool(true)
bool(true)
  "cannot open \u2026/022-messages/\\u{200b}/x: a part of the path is a file, not a directory. Check the path"
  "cannot refresh \u2026/022-messages/\\u{200b}: the loader returned errcode 40013 (in\\nvalid \\u{202e}\\u{1b}[1m). Check the appid (case-sensitive); next attempt in 60 s" "in\\nvalid \\u{202e}\\u{1b}[1m"
  "cannot lock \u2026/022-messages/\\u{200b}: a loader for this file is running and called wx_token on the same file. Remove that call from the loader"
"\u2026/022-messages/plain \"' \\ \u7f13\u5b58"
  "cannot use \u2026/022-messages/plain \"' \\ \u7f13\u5b58: it is not a token file: it is neither JSON nor serialize() data. Check the path; the file is unchanged"
bool(true)
bool(true)
bool(true)
  "cannot open \u2026/022-messages/plain \"' \\ \u7f13\u5b58/x: a part of the path is a file, not a directory. Check the path"
  "cannot refresh \u2026/022-messages/plain \"' \\ \u7f13\u5b58: the loader returned errcode 40013 (in\\nvalid \\u{202e}\\u{1b}[1m). Check the appid (case-sensitive); next attempt in 60 s" "in\\nvalid \\u{202e}\\u{1b}[1m"
  "cannot lock \u2026/022-messages/plain \"' \\ \u7f13\u5b58: a loader for this file is running and called wx_token on the same file. Remove that call from the loader"
"cannot refresh \u2026/022-messages/record.json: WeChat answered errcode 40013 (a\\nb\\u{202e}). Check the appid (case-sensitive), and for WeCom set endpoint to \"wecom\"; " "a\\nb\\u{202e}"
"a\\nb\\u{202e}"
"cannot refresh \u2026/022-messages/record.json: a\\nb\\u{202e}; " ""
"a\\nb\\u{202e}"
"no secret for appid wx\\n\\u{202e} (case-sensitive). Pass the option \"secret\", or add the account to a file and set wx_token.accounts_file to its path"
"no secret for appid xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026 (case-sensitive). Pass the option \"secret\", or add the account to a file and set wx_token.accounts_file to its path"
