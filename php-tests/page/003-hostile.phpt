--TEST--
Thirty files in every state: what comes from outside shows as text on the status page, and no token or secret anywhere
--EXTENSIONS--
wx_token
--INI--
memory_limit=256M
--FILE--
<?php
require __DIR__ . '/page.inc';
$site = new Site('hostile', ['files' => []]);
$directory = $site->directory;
unset($site);
mkdir($directory, 0700, true);
$files = build("$directory/files");
$secret = 'SECRETxSECRETxSECRETxSECRETxSECR';
$options = [];
foreach ($files as $file) {
    $options[$file] = ['appid' => 'wx0123456789abcdef', 'secret' => $secret];
}
$site = new Site('hostile', ['files' => $options, 'refresh' => true], [
    'wx_token.log' => "$directory/files/log", 'wx_token.appid' => 'wx0123456789abcdef', 'wx_token.secret' => $secret,
]);

foreach (['lang=en', 'lang=zh', 'format=json', 'format=prometheus', 'format=json&lang=zh'] as $query) {
    $answer = $site->get($query);
    // What turns text around stays in JSON: programs need the name as it is.
    $hidden = array_filter(strpos($query, 'json') !== false ? [TOKEN, 'SECRET'] : [TOKEN, 'SECRET', "\u{202e}"], static function ($text) use ($answer) {
        return strpos($answer->body, $text) !== false;
    });
    echo "$query: $answer->status, ", $hidden === [] ? 'nothing that must not be there' : json_encode($hidden), "\n";
}
$body = $site->get('lang=en')->body;
echo substr_count($body, '<article '), " files\n";
preg_match_all('~<span class="pill \w+">(\w+)</span> <b>(\d+)</b>~', $body, $pills, PREG_SET_ORDER);
echo implode(', ', array_map(static function ($pill) {
    return "$pill[2] $pill[1]";
}, $pills)), "\n";

preg_match_all('~<(?:dt|th\b[^>]*)>(.*?)<~', $site->get('lang=zh')->body, $terms);
echo 'terms that are not Chinese: ', json_encode(array_values(preg_grep('/\p{Han}/u', $terms[1], PREG_GREP_INVERT)), JSON_UNESCAPED_UNICODE), count(array_unique($terms[1])) > 10 ? " of many\n" : " of few\n";

echo "-- tags and attributes are the page's own\n";
preg_match_all('~<(/?[a-z]\w*)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*/?>|<[^>]*>?~i', $body, $tags, PREG_SET_ORDER);
$names = $attributes = $odd = [];
foreach ($tags as $tag) {
    if (!isset($tag[1])) {
        $odd[] = $tag[0];
        continue;
    }
    $names[ltrim($tag[1], '/')] = true;
    preg_match_all('~([\w-]+)(?:=|\s|$)~', preg_replace('~="[^"]*"~', '=', $tag[2]), $found);
    $attributes += array_fill_keys($found[1], true);
}
ksort($names);
ksort($attributes);
echo implode(' ', array_keys($names)), "\n", implode(' ', array_keys($attributes)), "\n", json_encode($odd), "\n";

echo "-- and the texts are there\n";
foreach (['&lt;img src=x onerror=alert(1)&gt;.json', '&lt;/p&gt;&lt;script&gt;alert(2)&lt;/script&gt;\u{202e}', '&lt;/td&gt;&lt;script&gt;alert(3)&lt;/script&gt;',
    '&lt;script&gt;alert(8)&lt;/script&gt;', '&quot;&gt;&lt;svg onload=alert(4)&gt;', '/srv/&#039;&gt;&lt;script&gt;alert(5)&lt;/script&gt;.php', '&quot; autofocus onfocus=alert(6) x=&quot;.json',
    'new\nline \u{202e}gpj.json'] as $text) {
    var_dump(strpos($body, $text) !== false);
}
$json = json_decode($site->get('format=json')->body, true);
var_dump(array_column($json['files'], 'file') === $files, $json['log']['broken_lines']);
echo "-- the query, too\n";
$answer = $site->get('lang=%22%3E%3Cscript%3E&every=%22%3E%3Cscript%3E&format=html&x=%22%3E%3Cscript%3E');
var_dump($answer->status, strpos($answer->body, '"><script>'));
$paths = [];
foreach (['/status.php/"><script>', '//evil.example/status.php', '/\\evil.example/status.php', 'http://evil.example/status.php'] as $uri) {
    preg_match_all('~(?:href|action)="(?!data:)([^"?]*)~', $site->get('', [], ['REQUEST_URI' => "$uri?x"])->body, $links);
    $paths[$uri] = array_values(array_unique($links[1]));
}
echo json_encode($paths, JSON_UNESCAPED_SLASHES), "\n";
?>
--EXPECT--
lang=en: 200, nothing that must not be there
lang=zh: 200, nothing that must not be there
format=json: 200, nothing that must not be there
format=prometheus: 200, nothing that must not be there
format=json&lang=zh: 200, nothing that must not be there
30 files
15 fresh, 3 due, 6 expired, 2 damaged, 2 missing, 2 unusable
terms that are not Chinese: [] of many
-- tags and attributes are the page's own
a article b body button caption circle code dd details div dl dt form g h1 h2 head header html input li line link main meta nav p path rect section small span style summary svg table tbody td text th thead time title tr ul
action aria-hidden aria-label aria-labelledby charset class content cx cy d datetime height href hreflang id lang method name r rel role rx scope translate type value width x x1 x2 y y1 y2
["<!DOCTYPE html>"]
-- and the texts are there
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
int(1)
-- the query, too
int(200)
bool(false)
{"/status.php/\"><script>":["/status.php/&quot;&gt;&lt;script&gt;"],"//evil.example/status.php":["/evil.example/status.php"],"/\\evil.example/status.php":["/evil.example/status.php"],"http://evil.example/status.php":["/http://evil.example/status.php"]}
