<?php
declare(strict_types=1);

/** Reads a token file all the time, without a lock, like any process that only wants the token. */
final class Reader
{
    public int $reads = 0;
    public int $tornOrEmpty = 0;

    public function __construct(private string $file)
    {
    }

    public function __invoke(): void
    {
        $this->reads++;
        $this->tornOrEmpty += $this->token() === null ? 1 : 0;
    }

    /** The token in the file, expired or not; null if the file was torn or empty. */
    public function token(): ?string
    {
        return json_decode((string) @file_get_contents($this->file), true)['access_token'] ?? null;
    }
}
