<?php
// Prints "ready", waits for a line, evaluates $argv[2] on $file = $argv[1], and prints what came of it
// as JSON.
$file = $argv[1];
$call = eval("return fn(\$file) => $argv[2];");
echo "ready\n";
fgets(STDIN);
$start = hrtime(true);
try {
    $answer = ['token' => $call($file)];
} catch (Throwable $e) {
    $answer = [
        'class' => $e::class,
        'message' => $e->getMessage(),
        'code' => $e->getCode(),
        'tokenFile' => $e->tokenFile ?? null,
        'retryAt' => $e->retryAt ?? null,
        'holderPid' => $e->holderPid ?? null,
        'trace' => print_r($e, true) . $e,
    ];
}
$answer['ms'] = (hrtime(true) - $start) / 1e6;
echo json_encode($answer);
