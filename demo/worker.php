<?php
// One process of the demo: worker.php GETTOKEN.php TOKEN_FILE
// It says "ready", waits for a line, calls getToken() once and prints what came of it as JSON.

[, $variant, $file] = $argv;
require $variant;

$error = null;
set_error_handler(function ($level, $message) use (&$error) {
    $error ??= $message;
    return true;
});

echo "ready\n";
if (fgets(STDIN) === false) {
    exit(1);    // the demo is gone
}

$token = null;
$start = hrtime(true);
try {
    $token = getToken($file);
} catch (Throwable $thrown) {
    $error = get_class($thrown) . ': ' . $thrown->getMessage();
}
$ms = (hrtime(true) - $start) / 1e6;

echo json_encode(['token' => $token, 'ms' => $ms, 'error' => $error], JSON_INVALID_UTF8_SUBSTITUTE), "\n";
