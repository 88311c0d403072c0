<?php
// Waits for a line, calls, prints what came of it as JSON, and lives on until its input ends: what it
// still holds then is a leak, not something that the end of the process would have freed.
$file = $argv[1];
$loader = function () {
    echo "asked\n";
    return ['access_token' => 'a-loaded-token', 'expires_in' => 7200];
};
$source = $argv[2] === 'loader' ? $loader : null;
fgets(STDIN);
try {
    $answer = ['token' => wx_get_token($file, $source)];
} catch (Throwable $e) {
    $answer = ['class' => $e::class, 'message' => $e->getMessage()];
}
echo json_encode($answer), "\n";
fgets(STDIN);
