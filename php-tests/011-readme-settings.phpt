--TEST--
The README lists every setting with its default, and every exception, in English and in Chinese
--EXTENSIONS--
wx_token
--FILE--
<?php
$extension = new ReflectionExtension('wx_token');
foreach (['README.md', 'README.zh-CN.md'] as $page) {
    $readme = file_get_contents(__DIR__ . "/../$page");
    foreach ($extension->getINIEntries() as $name => $default) {
        $name = substr($name, strlen('wx_token.'));
        $row = preg_match("/^\| `$name` \| (?:`([^`]*)`)?/m", $readme, $match) ? $match[1] ?? '' : 'no row';
        if ($row !== (string) $default) {
            echo "$page: setting $name: '$row', but the default is '$default'\n";
        }
    }
    foreach ([...$extension->getClassNames(), ...array_keys($extension->getFunctions())] as $name) {
        if (!str_contains($readme, str_replace('WxToken\\', '', $name))) {
            echo "$page: nothing of $name\n";
        }
    }
}
?>
--EXPECT--
