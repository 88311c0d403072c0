<?php
// Calls wx_get_token() between two system calls that strace shows: marked.php TOKEN_FILE CALLS
// The last of CALLS calls is the marked one. A file is remembered once it was met twice, a tick of its clock apart.

[, $file, $calls] = $argv;
while (--$calls) {
    wx_get_token($file);
    usleep(60_000);
}
clearstatcache();
file_exists('/mark-begin');
wx_get_token($file);
file_exists('/mark-end');
