<?php

namespace WxToken\Command;

use WxToken\Polyfill\Path;

/** Which lines of a log are about a file: a call may have named it by another path. */
final class SameFile
{
    /** @var string */
    public $path;
    /** @var array<string, bool> By the path in the log. */
    private $known = [];

    public function __construct(string $file)
    {
        $this->path = Path::absolute($file);
        $this->known[Text::clean($this->path)] = true;
    }

    public function is(string $logged): bool
    {
        if (!isset($this->known[$logged])) {
            // The paths of a log are few, unless somebody plays with it.
            $this->known = count($this->known) < 1000 ? $this->known : [Text::clean($this->path) => true];
            $this->known[$logged] = $logged !== '' && $logged[0] === '/' && Path::areOne($logged, $this->path);
        }
        return $this->known[$logged];
    }
}
