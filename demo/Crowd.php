<?php
declare(strict_types=1);

/** Worker processes that stand ready and are released together. */
final class Crowd
{
    private array $processes = [];
    private array $inputs = [];
    private array $outputs = [];

    public function __construct(int $size, array $command, array $environment)
    {
        $ends = [['pipe', 'r'], ['pipe', 'w']];
        for ($i = 0; $i < $size; $i++) {
            $this->processes[] = proc_open($command, $ends, $pipes, null, $environment + getenv())
                ?: throw new RuntimeException("cannot start worker $i of $size");
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
        foreach ($this->lines(60) as $line) {
            if ($line !== "ready\n") {
                throw new RuntimeException('a worker did not get ready: ' . json_encode($line));
            }
        }
    }

    /**
     * Releases all and returns what each reports: token, ms, error.
     * Calls $meanwhile again and again until the last has reported.
     */
    public function run(float $limitSeconds, callable $meanwhile): array
    {
        foreach ($this->inputs as $input) {
            fwrite($input, "go\n");
        }
        $died = ['token' => null, 'ms' => 0.0, 'error' => 'the worker died'];
        $report = fn ($line) => json_decode((string) $line, true) ?? $died;
        return array_map($report, $this->lines($limitSeconds, $meanwhile));
    }

    /** The next line of each worker; false from one that has ended. */
    private function lines(float $limitSeconds, ?callable $meanwhile = null): array
    {
        $deadline = microtime(true) + $limitSeconds;
        $lines = $none = [];
        while ($readable = array_diff_key($this->outputs, $lines)) {
            if (microtime(true) > $deadline) {
                throw new RuntimeException(count($readable) . " workers said nothing for $limitSeconds s");
            }
            if (@stream_select($readable, $none, $none, 0, $meanwhile ? 100 : 100_000)) {
                $lines += array_map(fgets(...), $readable);
            }
            $meanwhile && $meanwhile();
        }
        return $lines;
    }
}
