--TEST--
Each text of the status page has a Chinese one with the same values, and its advice is the extension's
--EXTENSIONS--
wx_token
--FILE--
<?php
require __DIR__ . '/fixtures.inc';
$source = file_get_contents(__DIR__ . '/../../php/status.php');
// The words alone: nothing is requested here.
eval(preg_replace('/^<\?php.*?(?=^namespace)|^answer\(\$settings\);$/ms', '', $source));

$quoted = "'((?:[^'\\\\]|\\\\.)*)'";
preg_match_all("/\\bsay\\($quoted/", $source, $said);
$texts = array_unique(array_map('stripslashes', $said[1]));
echo count($texts) > 50 ? 'many texts' : 'no texts', "\n";
$chinese = WxToken\StatusPage\Words::CHINESE;
foreach (array_merge($texts, WxToken\StatusPage\STATES, array_keys(WxToken\StatusPage\LEVELS)) as $text) {
    if (!isset($chinese[$text])) {
        echo "no Chinese: $text\n";
    }
}
foreach ($chinese as $text => $translation) {
    foreach ([$text, $translation] as $index => $each) {
        preg_match_all('/%(?:\d\$)?[sd%]/', $each, $match);
        $values[$index] = $match[0];
    }
    if ($values[0] !== $values[1]) {
        echo "not the same values: $text\n";
    }
    if (substr_count($source, var_export($text, true)) < 2) {
        echo "nobody says: $text\n";
    }
    if (preg_match('/\p{Han}|%/u', $translation) !== 1) {
        echo "not Chinese: $translation\n";
    }
}

echo "-- advice\n";
$file = __DIR__ . '/007-words.json';
foreach (WxToken\StatusPage\Words::ADVICE as $errcode => $advice) {
    @unlink($file);
    try {
        wx_get_token($file, static function () use ($errcode) {
            return ['errcode' => $errcode, 'errmsg' => 'from 203.0.113.7, no'];
        });
    } catch (WxToken\ApiException $e) {
    }
    $failure = ['errcode' => $errcode, 'message' => $e->errmsg];
    WxToken\StatusPage\Words::$language = 'en';
    $expected = rtrim(WxToken\StatusPage\advice($failure), '.');
    if (strpos($e->getMessage(), $expected) === false) {
        echo "$errcode: ", $e->getMessage(), "\n    $expected\n";
    }
    WxToken\StatusPage\Words::$language = 'zh';
    if (strpos($advice['en'], '{IP}') !== false && strpos(WxToken\StatusPage\advice($failure), '203.0.113.7') === false) {
        echo "$errcode: no address in Chinese\n";
    }
}
WxToken\StatusPage\Words::$language = 'en';
foreach ([['errcode' => 40164, 'message' => 'not in whitelist'], ['errcode' => 99999, 'message' => 'x'], ['errcode' => null, 'message' => 'no network'],
    ['errcode' => 40001, 'message' => 'WeChat still returns the rejected token. WeChat replaces one 20 times a day']] as $failure) {
    echo json_encode(WxToken\StatusPage\advice($failure), JSON_UNESCAPED_UNICODE), "\n";
}

echo "-- names are escaped as in the log\n";
foreach (["a\nb\0\t\r", "\u{202e}x", "a\xffb\xc3", 'plain "\' \\ 缓存', "\u{200b}\u{2028}\u{1f600}"] as $name) {
    echo json_encode(WxToken\StatusPage\printable($name), JSON_UNESCAPED_UNICODE), "\n";
}
?>
--CLEAN--
<?php @unlink(__DIR__ . '/007-words.json'); ?>
--EXPECT--
many texts
-- advice
"Add this server's public IP to the account's IP whitelist."
"See WeChat's list of return codes (全局返回码)."
""
""
-- names are escaped as in the log
"a\\nb\\0\\t\\r"
"\\u{202e}x"
"a\\xffb\\xc3"
"plain \"' \\ 缓存"
"\\u{200b}\\u{2028}😀"
