<?php
declare(strict_types=1);

/** A redis-server of the demo's own, on loopback, that keeps nothing on disk. It cannot outlive the demo. */
final class RedisServer
{
    const STOP = 19;    // SIGSTOP
    const KILL = 9;     // SIGKILL: it ends a stopped process too

    public readonly string $url;

    /** @var resource */
    private $process;

    public function __construct()
    {
        $port = self::freePort();
        $this->url = "redis://127.0.0.1:$port";
        $command = [
            // The kernel ends it with this PHP, whatever ends that.
            'setpriv', '--pdeathsig', 'KILL',
            'redis-server', '--bind', '127.0.0.1', '--port', (string) $port, '--save', '', '--appendonly', 'no',
        ];
        $ends = [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w']];
        $this->process = proc_open($command, $ends, $pipes, sys_get_temp_dir())
            ?: throw new RuntimeException('cannot start redis-server');
        $this->awaitReady($port);
    }

    public function __destruct()
    {
        $this->kill();
    }

    /** From now on, connections to it are refused. */
    public function kill(): void
    {
        if (is_resource($this->process)) {
            proc_terminate($this->process, self::KILL);
            proc_close($this->process);
        }
    }

    /** From now on it takes connections, since the kernel does that, and never answers. */
    public function stop(): void
    {
        proc_terminate($this->process, self::STOP);
    }

    /** Nobody else takes a port that was free a moment ago, or the server does not start. */
    private static function freePort(): int
    {
        $socket = stream_socket_server('tcp://127.0.0.1:0') ?: throw new RuntimeException('no free port on loopback');
        return (int) substr(strrchr(stream_socket_get_name($socket, false), ':'), 1);
    }

    private function awaitReady(int $port): void
    {
        for ($deadline = microtime(true) + 10; microtime(true) < $deadline; usleep(10_000)) {
            if (!proc_get_status($this->process)['running']) {
                break;
            }
            $socket = @stream_socket_client("tcp://127.0.0.1:$port", timeout: 1);
            if ($socket && fwrite($socket, "PING\r\n") && fgets($socket) === "+PONG\r\n") {
                return;
            }
        }
        throw new RuntimeException('redis-server does not start: install the packages redis-server and util-linux');
    }
}
