<?php

/** What a project has in Redis or a database: values with an expiry, which all machines see. */
interface SharedCache
{
    /** @return array{value: string, expires: int}|null */
    public function get(string $key): ?array;

    public function set(string $key, string $value, int $seconds): void;
}

/** A stand-in for these examples: a file that plays the database. */
final class JsonDatabase implements SharedCache
{
    public function __construct(private string $file)
    {
    }

    public function get(string $key): ?array
    {
        $row = $this->rows()[$key] ?? null;
        return $row && $row['expires'] > time() ? $row : null;
    }

    public function set(string $key, string $value, int $seconds): void
    {
        $rows = [$key => ['value' => $value, 'expires' => time() + $seconds]] + $this->rows();
        file_put_contents($this->file, json_encode($rows), LOCK_EX);
    }

    private function rows(): array
    {
        return json_decode((string) @file_get_contents($this->file), true) ?: [];
    }
}
