<?php
// What a process holds when it is idle, after it has remembered the token files that it is given, or has done without the
// extension what that needs of PHP: idle.php [TOKEN_FILE [COPIES]]

$files = array_slice($argv, 1, 1);
for ($i = 0; $i < ($argv[2] ?? 0); $i++) {
    copy($argv[1], $files[] = "$argv[1].$i");
}
$call = extension_loaded('wx_token') ? 'wx_get_token' : 'strlen';
foreach ([1, 2] as $_) {
    array_map($call, $files);
    // They were met once; a tick of their clock later they are remembered.
    usleep($files ? 60_000 : 0);
}
unset($files);
// Not Private_Dirty, which counts pages of a library that the disk does not have yet.
preg_match('/^Anonymous: +(\d+) kB/m', file_get_contents('/proc/self/smaps_rollup'), $anonymous);
echo json_encode([
    'private_kb' => (int) $anonymous[1],
    'threads' => count(glob('/proc/self/task/*')),
    'descriptors' => count(glob('/proc/self/fd/*')),
]);
