<?php
// For each line of input: calls, itself or in a child that then ends, as $argv[3] says, and prints what came
// of it as JSON. It lives on until its input ends: what it still holds then is a leak, not something that
// the end of the process would have freed.
[, $file, $source, $caller] = $argv;
$loader = function () {
    echo "asked\n";
    return ['access_token' => 'a-loaded-token', 'expires_in' => 7200];
};
$source = $source === 'loader' ? $loader : null;
while (fgets(STDIN)) {
    if ($caller === 'child' && ($child = pcntl_fork()) !== 0) {
        pcntl_waitpid($child, $status);
        // The line ends when the child has done what it does at its end.
        echo "\n";
        continue;
    }
    try {
        $answer = ['token' => wx_get_token($file, $source)];
    } catch (Throwable $e) {
        $answer = ['class' => $e::class, 'message' => $e->getMessage()];
    }
    echo json_encode($answer);
    if ($caller === 'child') {
        exit;
    }
    echo "\n";
}
