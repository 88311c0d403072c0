<?php

namespace WxToken\Polyfill;

/** What is to be written to a token file. */
final class Content
{
    /** @var string */
    public $bytes;
    /** @var int|null The modification time to give it, where that has a meaning. */
    public $modified;
    /** @var bool Whether its readers ignore spaces at the end. */
    public $mayBePadded;

    public function __construct(string $bytes, ?int $modified, bool $mayBePadded)
    {
        $this->bytes = $bytes;
        $this->modified = $modified;
        $this->mayBePadded = $mayBePadded;
    }

    public function __debugInfo(): array
    {
        return [];
    }
}
