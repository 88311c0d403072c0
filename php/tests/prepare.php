<?php
// prepare.php FOLDER LIST: makes the tests in FOLDER ask for no extension, and skips those that do not apply.
// A line of LIST is "NAME: reason", "NAME (below X.Y): reason" for older versions of PHP, or a comment.

[, $folder, $list] = $argv;

$reasons = [];
foreach (file($list, FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES) as $line) {
    if (preg_match('/^([^#:\s]+)(?: \(below ([\d.]+)\))?: (.+)$/', $line, $match)) {
        if ($match[2] === '' || version_compare(PHP_VERSION, $match[2], '<')) {
            $reasons[$match[1]] = $match[3];
        }
    } elseif ($line[0] !== '#') {
        exit("$list: cannot read \"$line\"\n");
    }
}

/** Code with what an older PHP can say in another way. */
function in_older_php(string $code): string
{
    if (PHP_VERSION_ID >= 80000) {
        return $code;
    }
    $older = [
        '/(\$\w+)::class\b/' => 'get_class($1)',
        '/\): (?:mixed|never|string\|false)\b/' => ')',
        '/\bmixed (\$)/' => '$1',
        '/\bcatch \(([\w\\\\|]+)\)/' => 'catch ($1 \$ignored)',
        '/\?->/' => '->',
        '/\bpublic readonly /' => 'public ',
        '/\s+\?[:?] throw new [^;]+;/' => ';',
        '/return match \(\$errcode = ([^)]+)\) \{.*?\};/s' => 'return ($1) === 0;',
        '/(\$\w+)->(\w+)\(\.\.\.\)/' => "\\Closure::fromCallable([$1, '$2'])",
        '/\barray_map\((\w+)\(\.\.\.\)/' => "array_map('$1'",
        '/\bstr_contains\(/' => '(static function ($all, $part) { return strpos($all, $part) !== false; })(',
        '/\bstr_starts_with\(/' => '(static function ($all, $part) { return strncmp($all, $part, strlen($part)) === 0; })(',
        '/\bstr_ends_with\(/' => '(static function ($all, $part) { return substr($all, -strlen($part)) === $part; })(',
        // Debian builds json as an extension of its own there.
        "/PHP_BINARY, '-n'/" => "PHP_BINARY, '-n', '-d', 'extension=json'",
    ];
    return without_promotion(preg_replace(array_keys($older), $older, $code));
}

/** Code whose constructors declare no properties. */
function without_promotion(string $code): string
{
    $modified = '/(?:public|protected|private)\s+((?:\??[\w\\\\]+\s+)?\$(\w+))/';
    return preg_replace_callback('/^( *)public (function __construct\()([^{]*)\{/m', function (array $match) use ($modified): string {
        if (!preg_match_all($modified, $match[3], $promoted)) {
            return $match[0];
        }
        [$declared, $assigned] = ['', ''];
        foreach ($promoted[2] as $name) {
            $declared .= "public \$$name; ";
            $assigned .= "\$this->$name = \$$name; ";
        }
        // An attribute within a line would be a comment until its end.
        $parameters = preg_replace(['/#\[[^\]]*\]\s*/', $modified, '/,(\s*\))/'], ['', '$1', '$1'], $match[3]);
        return "$match[1]$declared public $match[2]$parameters{ $assigned";
    }, $code);
}

foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator(dirname($folder), FilesystemIterator::SKIP_DOTS)) as $path) {
    if (preg_match('/\.(?:inc|php)$/', $path)) {
        file_put_contents($path, in_older_php(file_get_contents($path)));
    }
}

foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($folder, FilesystemIterator::SKIP_DOTS)) as $path) {
    if (substr($path, -5) !== '.phpt') {
        continue;
    }
    $name = substr($path, strlen($folder) + 1);
    $test = in_older_php(file_get_contents($path));
    $test = preg_replace('/^(--EXTENSIONS--\n)wx_token\n/m', '$1', $test);
    $test = preg_replace('/^--EXTENSIONS--\n(?=--)/m', '', $test);
    $reason = $reasons[$name] ?? null;
    unset($reasons[$name]);
    if ($reason !== null) {
        $skip = "--SKIPIF--\n<?php echo " . var_export("skip $reason", true) . "; ?>\n";
        $test = preg_replace('/^--SKIPIF--\n.*?(?=^--[A-Z]+--$)/ms', '', $test);
        $test = str_replace("--FILE--\n", "$skip--FILE--\n", $test);
    }
    file_put_contents($path, $test);
}
if ($reasons !== []) {
    $unknown = array_filter(array_keys($reasons), function ($name) use ($folder) {
        return !file_exists("$folder/$name");
    });
    exit($unknown === [] ? 0 : "$list: no such test: " . implode(', ', $unknown) . "\n");
}
