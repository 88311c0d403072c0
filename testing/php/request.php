<?php
// One request: what came of it, when, and in which process. With `arrivals`, a mark in that file first.
if (isset($_GET['arrivals'])) {
    file_put_contents($_GET['arrivals'], '.', FILE_APPEND);
}
$start = hrtime(true);
try {
    $answer = ['token' => wx_get_token($_GET['file'])];
} catch (Throwable $e) {
    $answer = ['class' => $e::class, 'message' => $e->getMessage()];
}
echo json_encode($answer + ['ms' => (hrtime(true) - $start) / 1e6, 'at' => microtime(true), 'pid' => getmypid()]);
