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

/** Whether the code of a test, and of what it loads beside it, is code for this PHP. */
function is_for_this_php(string $code): bool
{
    $file = tempnam(sys_get_temp_dir(), 'polyfill-');
    file_put_contents($file, $code);
    exec(escapeshellarg(PHP_BINARY) . ' -n -l ' . escapeshellarg($file) . ' 2>&1', $output, $status);
    unlink($file);
    return $status === 0;
}

/** Code with what an older PHP can say in another way. */
function in_older_php(string $code): string
{
    if (PHP_VERSION_ID >= 80000) {
        return $code;
    }
    $older = [
        '/(\$\w+)::class\b/' => 'get_class($1)',
        '/\): (?:mixed|never)\b/' => ')',
        '/\bmixed (\$)/' => '$1',
        '/\bcatch \(([\w\\\\|]+)\)/' => 'catch ($1 \$ignored)',
        '/\?->/' => '->',
        '/\bpublic readonly /' => 'public ',
        '/\s+\?[:?] throw new [^;]+;/' => ';',
        '/return match \(\$errcode = ([^)]+)\) \{.*?\};/s' => 'return ($1) === 0;',
        '/\barray_map\((\w+)\(\.\.\.\)/' => "array_map('$1'",
        '/\bstr_contains\(/' => '(static function ($all, $part) { return strpos($all, $part) !== false; })(',
        '/\bstr_starts_with\(/' => '(static function ($all, $part) { return strncmp($all, $part, strlen($part)) === 0; })(',
        '/\bstr_ends_with\(/' => '(static function ($all, $part) { return substr($all, -strlen($part)) === $part; })(',
        // Debian builds json as an extension of its own there.
        "/PHP_BINARY, '-n'/" => "PHP_BINARY, '-n', '-d', 'extension=json'",
    ];
    return preg_replace(array_keys($older), $older, $code);
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
    preg_match('/^--FILE--\n(.*?)^--(?:CLEAN|EXPECTF?|EXPECTREGEX)--$/ms', $test, $code);
    $test = preg_replace('/^(--EXTENSIONS--\n)wx_token\n/m', '$1', $test);
    $test = preg_replace('/^--EXTENSIONS--\n(?=--)/m', '', $test);
    $reason = $reasons[$name] ?? null;
    unset($reasons[$name]);
    if ($reason === null && PHP_VERSION_ID < 80200) {
        $loaded = preg_match_all("~require __DIR__ . '(/[^']+)'~", $code[1], $includes) ? $includes[1] : [];
        foreach (array_merge([$code[1]], array_map(function ($include) use ($path) {
            return file_get_contents(dirname($path) . $include);
        }, $loaded)) as $part) {
            if (!is_for_this_php($part) || (PHP_VERSION_ID < 80100 && preg_match('/\bFiber\b/', $part))) {
                $reason = 'it is written for a newer PHP than ' . PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION;
            }
        }
    }
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
