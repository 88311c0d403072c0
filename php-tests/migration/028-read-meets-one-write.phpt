--TEST--
A reader of the extension that meets the one write of a quiet file is given a whole token
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/habits.inc';
in_each_write_mode();
$file = scratch('028-read-meets-one-write');

/** Lets three processes read, and `$write` a token now and then, with long pauses. */
function quiet(string $title, callable $write): void {
    global $file;
    file_put_contents($file, str_pad(content(token('L', 0), 7200), 260));
    $read = function (Peer $parent) use ($file) {
        $seen = ['whole' => 0, 'broken' => 0, 'errors' => []];
        while (!$parent->has_spoken()) {
            try {
                $token = wx_get_token($file, function () { throw new LogicException('the token is valid all the while'); });
                $seen[is_whole($token) ? 'whole' : 'broken']++;
            } catch (Throwable $e) {
                $seen['errors'][] = get_class($e) . ': ' . $e->getMessage();
            }
        }
        $parent->say($seen);
    };
    $readers = [fork($read), fork($read), fork($read)];
    for ($i = 1; $i <= 16; $i++) {
        usleep(55000);
        $write($i);
    }
    foreach ($readers as $reader) {
        $reader->say('stop');
    }
    $seen = array_map(fn($reader) => $reader->hear(), $readers);
    foreach ($readers as $reader) {
        $reader->end();
    }
    $errors = array_unique(array_merge(...array_column($seen, 'errors')));
    echo "$title: broken: ", array_sum(array_column($seen, 'broken')), "\n",
        implode('', array_map(fn($error) => "$error\n", $errors));
}

quiet('written by legacy code, under its lock', function (int $i) use ($file) {
    $handle = fopen($file, 'r+');
    flock($handle, LOCK_EX);
    fwrite($handle, str_pad(content(token('L', $i), 7200), 260));
    flock($handle, LOCK_UN);
    fclose($handle);
});
quiet('written by the extension', fn(int $i) => extension_writes($file, token('E', $i)));
?>
--CLEAN--
<?php
require __DIR__ . '/habits.inc';
@unlink(scratch('028-read-meets-one-write'));
?>
--EXPECT--
-- replace
written by legacy code, under its lock: broken: 0
written by the extension: broken: 0
-- in_place
written by legacy code, under its lock: broken: 0
written by the extension: broken: 0
