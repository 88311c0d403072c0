--TEST--
dl() is refused with the way out: PHP cannot unload the classes after the request
--EXTENSIONS--
wx_token
--FILE--
<?php
$so = getenv('WX_TOKEN_SO');
$code = 'dl($argv[1]); echo "went on";';
$command = [PHP_BINARY, '-n', '-d', 'enable_dl=1', '-d', 'display_errors=1', '-d', 'html_errors=0',
    '-d', 'fatal_error_backtraces=0', '-d', 'extension_dir=' . dirname($so), '-r', $code, basename($so)];
$process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
echo stream_get_contents($pipes[1]), 'exit status ', proc_close($process), "\n";
?>
--EXPECT--
Warning: dl(): wx_token cannot be loaded with dl(): load it at start-up, with extension=wx_token in php.ini in Unknown on line 0

Fatal error: Unable to start wx_token module in Unknown on line 0
exit status 255
