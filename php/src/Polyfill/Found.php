<?php

namespace WxToken\Polyfill;

/** What a format finds in a file. */
final class Found
{
    /** @var Layout */
    public $layout;
    /** @var Keyed|null Null in text files, and where there is nothing to keep: a write makes the file anew. */
    public $file;
    /** @var string What a new file begins with, before its JSON. */
    public $prefix = '';
    /** @var string What a text file ends with, after its token. */
    public $suffix = '';
    /** @var string|null */
    public $token;
    /** @var FileExpiry|null */
    public $expiry;
    /** @var RefreshState|null */
    public $state;
    /** @var bool */
    public $isDamaged = false;

    public function __construct(Layout $layout, string $prefix = '')
    {
        $this->layout = $layout;
        $this->prefix = $prefix;
    }

    public function __debugInfo(): array
    {
        return [];
    }

    /** Nothing, since a write or a copy of the file broke off. */
    public static function truncated(Layout $layout, string $prefix = ''): self
    {
        $found = new self($layout, $prefix);
        $found->isDamaged = true;
        return $found;
    }

    /** A text file with a token and nothing else to keep. */
    public static function text(Layout $layout, string $token, FileExpiry $expiry): self
    {
        $found = new self($layout);
        $found->token = $token;
        $found->expiry = $expiry;
        return $found;
    }
}
