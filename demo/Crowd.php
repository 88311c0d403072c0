<?php
declare(strict_types=1);

/** Worker processes that stand ready and are released together. */
final class Crowd
{
    private array $processes = [];
    private array $inputs = [];
    private array $outputs = [];
    private float $releasedAt;

    /** One process for each command. */
    public function __construct(array $commands, array $environment)
    {
        $ends = [['pipe', 'r'], ['pipe', 'w']];
        foreach (array_values($commands) as $i => $command) {
            $this->processes[] = proc_open($command, $ends, $pipes, null, $environment + getenv())
                ?: throw new RuntimeException("cannot start worker $i of " . count($commands));
            [$this->inputs[], $this->outputs[]] = $pipes;
        }
    }

    public function __destruct()
    {
        array_map(proc_terminate(...), $this->processes);
        array_map(fclose(...), [...$this->inputs, ...$this->outputs]);
        array_map(proc_close(...), $this->processes);
    }

    public function awaitReady(): void
    {
        foreach ($this->lines(microtime(true) + 60) as $line) {
            if ($line !== "ready\n") {
                throw new RuntimeException('a worker did not get ready: ' . json_encode($line));
            }
        }
    }

    /** Releases all, and returns their reports(). */
    public function run(float $limitSeconds, callable $meanwhile): array
    {
        $this->release();
        return $this->reports($limitSeconds, $meanwhile);
    }

    public function release(): void
    {
        $this->releasedAt = microtime(true);
        foreach ($this->inputs as $input) {
            fwrite($input, "go\n");
        }
    }

    /**
     * What each reports within the limit, counted from the release: token, ms, error. One that says nothing has an
     * infinite ms.
     * Calls $meanwhile again and again until the last has reported.
     */
    public function reports(float $limitSeconds, ?callable $meanwhile = null): array
    {
        $died = ['token' => null, 'ms' => 0.0, 'error' => 'the worker died'];
        $silent = ['token' => null, 'ms' => INF, 'error' => "no answer within $limitSeconds s"];
        $report = fn ($line) => $line === null ? $silent : json_decode((string) $line, true) ?? $died;
        return array_map($report, $this->lines($this->releasedAt + $limitSeconds, $meanwhile));
    }

    /** The next line of each worker; false from one that has ended, null from one that says nothing. */
    private function lines(float $deadline, ?callable $meanwhile = null): array
    {
        $lines = $none = [];
        while (($readable = array_diff_key($this->outputs, $lines)) && microtime(true) < $deadline) {
            if (@stream_select($readable, $none, $none, 0, $meanwhile ? 100 : 100_000)) {
                $lines += array_map(fgets(...), $readable);
            }
            $meanwhile && $meanwhile();
        }
        return $lines + array_fill_keys(array_keys($this->outputs), null);
    }
}
