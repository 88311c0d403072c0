--TEST--
The README lists every setting with its default, and every exception
--EXTENSIONS--
wx_token
--FILE--
<?php
$readme = file_get_contents(__DIR__ . '/../README.md');
$extension = new ReflectionExtension('wx_token');
foreach ($extension->getINIEntries() as $name => $default) {
    $name = substr($name, strlen('wx_token.'));
    $row = preg_match("/^\| `$name` \| (?:`([^`]*)`)?/m", $readme, $match) ? $match[1] ?? '' : 'no row';
    if ($row !== (string) $default) {
        echo "README: setting $name: '$row', but the default is '$default'\n";
    }
}
foreach ([...$extension->getClassNames(), ...array_keys($extension->getFunctions())] as $name) {
    if (!str_contains($readme, str_replace('WxToken\\', '', $name))) {
        echo "README: nothing of $name\n";
    }
}
?>
--EXPECT--
