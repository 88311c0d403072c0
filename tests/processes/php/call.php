<?php
// Prints "ready", waits for a line, calls wx_get_token() once, and prints what came of it as JSON.
echo "ready\n";
fgets(STDIN);
$start = hrtime(true);
try {
    $answer = ['token' => wx_get_token($argv[1])];
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
