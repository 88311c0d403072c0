<?php
// One process of a storm: worker.php GETTOKEN.php TOKEN_FILE
// Calls getToken() once on a fresh token, as a worker does that has been up for a while, and says "ready".
// Then each line that it reads is the moment of a call, which it reports as JSON.

[, $variant, $file] = $argv;
require $variant;
require __DIR__ . '/measured.php';

getToken($file);
echo "ready\n";
while (($moment = fgets(STDIN)) !== false) {
    time_sleep_until((float) $moment);
    echo json_encode(measured($file)), "\n";
}
