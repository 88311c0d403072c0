<?php
// For each line of input: calls, waits until nobody refreshes $argv[1] in the background, and prints what
// came of it, with the file's status then, as a line of JSON.
$file = $argv[1];
while (fgets(STDIN)) {
    try {
        $answer = ['token' => wx_get_token($file)];
    } catch (WxToken\Exception $e) {
        $answer = ['class' => $e::class, 'message' => $e->getMessage(), 'retryAt' => $e->retryAt ?? null];
    }
    for ($deadline = hrtime(true) + 30e9; ($status = wx_token_status($file))['locked']; usleep(1000)) {
        if (hrtime(true) > $deadline) {
            throw new Error('locked for 30 s');
        }
    }
    echo json_encode($answer + ['status' => $status]), "\n";
}
