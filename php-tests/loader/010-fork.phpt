--TEST--
A loader may fork: whatever becomes of the child, the parent's refresh goes on
--EXTENSIONS--
wx_token
pcntl
--FILE--
<?php
require __DIR__ . '/../flock/processes.inc';
$file = __DIR__ . '/010-fork.json';

foreach (['expired' => -1, 'due' => 100] as $state => $expires_in) {
    foreach (['exit', 'return', 'throw', 'live on'] as $what) {
        echo "-- $state: the child's $what\n";
        write_token($file, 'old', $expires_in);
        [$here, $there] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        $parent = getmypid();
        $child = null;
        try {
            $token = wx_get_token($file, function () use ($file, $what, $there, &$child) {
                $child = pcntl_fork();
                if ($child === 0) {
                    if ($what === 'throw') {
                        throw new RuntimeException('in the child');
                    }
                    if ($what === 'exit' || ($what === 'live on' && fgets($there))) {
                        exit;
                    }
                    return ['access_token' => 'of-the-child', 'expires_in' => 7200];
                }
                if ($what !== 'live on') {
                    pcntl_waitpid($child, $status);
                }
                echo json_decode(file_get_contents($file))->access_token, ', others can lock: ', json_encode(others_can_lock($file)), "\n";
                return ['access_token' => 'of-the-parent', 'expires_in' => 7200];
            });
        } catch (Throwable $e) {
            $token = str_replace(__DIR__ . '/', '', get_class($e) . ': ' . $e->getMessage());
        }
        if (getmypid() !== $parent) {
            exit; // What the child is told is its own affair.
        }
        echo "$token, in the file: ", json_decode(file_get_contents($file))->access_token,
            ', others can lock: ', json_encode(others_can_lock($file)), "\n";
        if ($what === 'live on') {
            fwrite($here, "end\n");
            pcntl_waitpid($child, $status);
        }
    }
}
print_r(glob(__DIR__ . '/.010-fork*'));
?>
--CLEAN--
<?php array_map('unlink', glob(__DIR__ . '/{,.}010-fork.json*', GLOB_BRACE)); ?>
--EXPECT--
-- expired: the child's exit
old, others can lock: false
of-the-parent, in the file: of-the-parent, others can lock: true
-- expired: the child's return
old, others can lock: false
of-the-parent, in the file: of-the-parent, others can lock: true
-- expired: the child's throw
old, others can lock: false
of-the-parent, in the file: of-the-parent, others can lock: true
-- expired: the child's live on
old, others can lock: false
of-the-parent, in the file: of-the-parent, others can lock: true
-- due: the child's exit
old, others can lock: false
of-the-parent, in the file: of-the-parent, others can lock: true
-- due: the child's return
old, others can lock: false
of-the-parent, in the file: of-the-parent, others can lock: true
-- due: the child's throw
old, others can lock: false
of-the-parent, in the file: of-the-parent, others can lock: true
-- due: the child's live on
old, others can lock: false
of-the-parent, in the file: of-the-parent, others can lock: true
Array
(
)
