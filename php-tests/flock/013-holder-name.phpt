--TEST--
A process that holds the lock is named, whatever it calls itself, without what would act on a terminal
--EXTENSIONS--
wx_token
pcntl
--INI--
wx_token.lock_timeout=0
--FILE--
<?php
require __DIR__ . '/processes.inc';
$file = __DIR__ . '/013-holder-name.json';
foreach (["a\nb\e[2J", "\u{202e}x\u{2028}", "\xff\x80)", " trailing \n", 'plain'] as $name) {
    write_token($file, 'old', -1);
    $holder = fork(function (Peer $parent) use ($file, $name) {
        // As PR_SET_NAME does (proc_pid_comm(5)).
        file_put_contents('/proc/self/comm', $name);
        $handle = fopen($file, 'r+');
        $parent->say(flock($handle, LOCK_EX));
        $parent->hear();
    });
    $holder->hear();
    try {
        wx_get_token($file, fn() => []);
    } catch (WxToken\LockException $e) {
        preg_match('/; process (\d+) \((.*)\) holds it now/s', $e->getMessage(), $match);
        var_dump((int) $match[1] === $holder->pid && $e->holderPid === $holder->pid);
        echo json_encode($match[2]), "\n";
    }
    $holder->say('end');
    $holder->end();
}
?>
--CLEAN--
<?php @unlink(__DIR__ . '/013-holder-name.json'); ?>
--EXPECT--
bool(true)
"a\\nb\\u{1b}[2J"
bool(true)
"\\u{202e}x\\u{2028}"
bool(true)
"\\xff\\x80)"
bool(true)
" trailing \\n"
bool(true)
"plain"
