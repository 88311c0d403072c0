<?php

/** A stand-in for the cache server or the database of a project: a JSON file in the working directory. */
final class FlatStore
{
    const FILE = 'store.json';

    /** Returns null if there is no value, or if it has expired. */
    public function get(string $key): mixed
    {
        $row = $this->rows()[$key] ?? null;
        return $row && ($row['expires'] ?? PHP_INT_MAX) > time() ? $row['value'] : null;
    }

    /** @param ?int $seconds Lifetime; null: no end. */
    public function set(string $key, mixed $value, ?int $seconds = null): void
    {
        $row = ['value' => $value, 'expires' => $seconds === null ? null : time() + $seconds];
        $this->write([$key => $row] + $this->rows());
    }

    /** The lifetime that is left in seconds: -1 for no end, -2 without a value, as Redis says it. */
    public function ttl(string $key): int
    {
        if ($this->get($key) === null) {
            return -2;
        }
        $expires = $this->rows()[$key]['expires'];
        return $expires === null ? -1 : $expires - time();
    }

    public function delete(string $key): void
    {
        $this->write(array_diff_key($this->rows(), [$key => null]));
    }

    private function rows(): array
    {
        return json_decode((string) @file_get_contents(self::FILE), true) ?: [];
    }

    private function write(array $rows): void
    {
        file_put_contents($temporary = self::FILE . getmypid(), json_encode($rows));
        rename($temporary, self::FILE);
    }
}
