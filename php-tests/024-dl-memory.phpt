--TEST--
Neither a refused dl() nor an ordinary end of PHP touches memory that was freed
--EXTENSIONS--
wx_token
--SKIPIF--
<?php
if (trim((string) shell_exec('command -v valgrind')) === '') { die('skip valgrind is not installed'); }
?>
--FILE--
<?php
$so = getenv('WX_TOKEN_SO');
// What PHP's own allocator holds, valgrind cannot see.
putenv('USE_ZEND_ALLOC=0');
$valgrind = ['valgrind', '--quiet', '--error-exitcode=9', PHP_BINARY, '-n', '-d', 'enable_dl=1',
    '-d', 'extension_dir=' . dirname($so)];
foreach ([
    'dl' => [...$valgrind, '-r', 'dl($argv[1]);', basename($so)],
    'extension=' => [...$valgrind, '-d', "extension=$so", '-r', 'ini_set("wx_token.timeout", "4"); echo wx_token_status("/");'],
    'both' => [...$valgrind, '-d', "extension=$so", '-r', 'var_dump(dl($argv[1]));', basename($so)],
] as $name => $command) {
    $process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
    $output = stream_get_contents($pipes[1]);
    $status = proc_close($process);
    $errors = preg_grep('/^==\d+==/', explode("\n", $output));
    echo "$name: exit status $status\n", implode("\n", $errors);
    if (!preg_match('/cannot be loaded with dl|must name a file|already loaded/', $output)) { echo $output; }
}
?>
--EXPECT--
dl: exit status 255
extension=: exit status 255
both: exit status 0
