<?php
// What a process holds when it is idle, after it has remembered a token file if it is given one:
// idle.php [TOKEN_FILE]

if (isset($argv[1])) {
    wx_get_token($argv[1]);
    // It was met once; a tick of its clock later it is remembered.
    usleep(60_000);
    wx_get_token($argv[1]);
}
// Not Private_Dirty, which counts pages of a library that the disk does not have yet.
preg_match('/^Anonymous: +(\d+) kB/m', file_get_contents('/proc/self/smaps_rollup'), $anonymous);
echo json_encode([
    'private_kb' => (int) $anonymous[1],
    'threads' => count(glob('/proc/self/task/*')),
    'descriptors' => count(glob('/proc/self/fd/*')),
]);
