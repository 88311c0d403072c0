<?php

namespace WxToken\Polyfill;

/** What the argument `$source` says: an account, or a loader, and what counts for this call alone. */
final class Options
{
    private const NAMES = 'appid (or corpid), secret (or corpsecret), endpoint, layout, loader, share_as, refresh_ahead, lock_timeout, timeout';

    /** The longest name under which servers share, in bytes. */
    private const MAX_SHARE_NAME = 100;

    /** @var string|null */
    public $appid;
    /** @var string|null */
    public $secret;
    /** @var string|null */
    public $endpoint;
    /** @var bool Whether the account was named in WeCom's words: its secret then goes to no other host than WeCom's. */
    public $isCorp = false;
    /** @var Layout|null */
    public $layout;
    /** @var callable|null */
    public $loader;
    /** @var string|null */
    private $shareAs;
    /** @var float[] In seconds, by name. */
    private $seconds = [];

    public function __debugInfo(): array
    {
        return [];
    }

    /**
     * What `array|callable|null $source`, the argument `$what`, says.
     *
     * @throws Problem
     */
    public static function ofSource($source, string $what): self
    {
        $options = new self();
        if (is_string($source) && !is_callable($source)) {
            throw Problem::type($what, 'must be a valid callback or null, ' . self::whyNoCallback($source));
        }
        $isOptions = $source === null || (is_array($source) && array_keys($source) !== range(0, count($source) - 1));
        if (!$isOptions && is_callable($source)) {
            $options->loader = $source;
            return $options;
        }
        if ($source !== null && !is_array($source)) {
            throw Problem::type($what, 'must be of type array|callable|null, ' . self::typeOf($source) . ' given');
        }
        return $options->read($source ?? [], $what);
    }

    /**
     * What `?array $source`, the argument `$what`, says; a loader is not possible there.
     *
     * @throws Problem
     */
    public static function ofArray(?array $source, string $what, bool $mayLoad = false): self
    {
        $options = (new self())->read($source ?? [], $what);
        if ($options->loader !== null && !$mayLoad) {
            throw Problem::value($what, 'must not have the option "loader" here');
        }
        return $options;
    }

    /** The option `$name`, or the setting. */
    public function seconds(string $name): float
    {
        return $this->seconds[$name] ?? Settings::current()->seconds[$name];
    }

    /** The same for a token file, if the layout is about another one. */
    public function withoutLayout(): self
    {
        $options = clone $this;
        $options->layout = null;
        return $options;
    }

    /** PHP's name of the type of `$value`. */
    public static function typeOf($value): string
    {
        $names = ['boolean' => 'bool', 'integer' => 'int', 'double' => 'float', 'NULL' => 'null'];
        if (is_object($value)) {
            return explode("\0", get_class($value))[0];
        }
        $type = gettype($value);
        return $names[$type] ?? explode(' ', $type)[0];
    }

    private function read(array $source, string $what): self
    {
        foreach ($source as $name => $value) {
            if (!is_string($name)) {
                throw Problem::value($what, "must have string keys, for example ['appid' => …, 'secret' => …]");
            }
            try {
                $isKnown = $this->set($name, $value);
            } catch (\DomainException $why) {
                throw Problem::value($what, 'option "' . Printable::text($name, 100) . "\" {$why->getMessage()}");
            }
            if (!$isKnown) {
                throw Problem::value($what, 'contains the unknown option "' . Printable::text($name, 100) . '"; allowed are ' . self::NAMES);
            }
        }
        $this->check($what);
        return $this;
    }

    private function set(string $name, $value): bool
    {
        $this->isCorp = $this->isCorp || strncmp($name, 'corp', 4) === 0;
        switch ($name) {
            case 'appid':
            case 'corpid':
                $this->appid = self::text($value);
                return true;
            case 'secret':
            case 'corpsecret':
                $this->secret = self::text($value);
                return true;
            case 'endpoint':
                $this->endpoint = self::endpoint(self::text($value));
                return true;
            case 'layout':
                $this->layout = self::layout(self::text($value));
                return true;
            case 'loader':
                if (!is_callable($value)) {
                    throw new \DomainException('must be callable');
                }
                $this->loader = $value;
                return true;
            case 'share_as':
                $this->shareAs = self::shareName(self::text($value));
                return true;
        }
        $least = Settings::leastOf($name);
        if ($least !== null) {
            $isNumber = is_int($value) || is_float($value) || (is_string($value) && is_numeric(trim($value)));
            $this->seconds[$name] = Settings::duration($least, $isNumber ? (float) $value : NAN);
        }
        return $least !== null;
    }

    private function check(string $what): void
    {
        $hasAccount = $this->appid !== null || $this->secret !== null || $this->endpoint !== null || $this->isCorp;
        if ($this->loader !== null && $hasAccount) {
            throw Problem::value($what, 'has the option "loader" and an account: a loader fetches by itself');
        }
        if ($this->shareAs !== null && $this->loader === null) {
            throw Problem::value($what, 'has the option "share_as" without "loader": accounts need no name to be shared');
        }
        if ($this->appid === null && $this->secret !== null) {
            throw Problem::value($what, 'has the option "secret" without "appid"');
        }
        if ($this->isCorp && $this->endpoint !== null && $this->endpoint !== 'wecom') {
            throw Problem::value($what, 'has the option "corpid" or "corpsecret" with another "endpoint" than "wecom"');
        }
    }

    private static function text($value): string
    {
        if (!is_string($value) || $value === '') {
            throw new \DomainException('must be a non-empty string');
        }
        if (preg_match('//u', $value) !== 1) {
            throw new \DomainException('must be valid UTF-8');
        }
        if (strpos($value, "\0") !== false) {
            throw new \DomainException('must not contain any null bytes');
        }
        return $value;
    }

    private static function endpoint(string $name): string
    {
        if (!in_array($name, ['stable', 'classic', 'wecom'], true)) {
            throw new \DomainException('must be "stable", "classic" or "wecom"');
        }
        return $name;
    }

    private static function layout(string $name): Layout
    {
        $layout = Layout::byName($name);
        if ($layout === null) {
            throw new \DomainException('must be one of ' . Layout::NAMES);
        }
        return $layout;
    }

    private static function shareName(string $name): string
    {
        if (strlen($name) > self::MAX_SHARE_NAME || preg_match('/[{}\p{Cc}]/u', $name) === 1) {
            throw new \DomainException('must have 100 bytes at most, without braces and control characters');
        }
        return $name;
    }

    private static function whyNoCallback(string $name): string
    {
        $parts = explode('::', $name, 2);
        if (count($parts) === 1) {
            return 'function "' . Printable::text(explode("\0", $name)[0]) . '" not found or invalid function name';
        }
        return class_exists($parts[0])
            ? "class {$parts[0]} does not have a method \"" . Printable::text($parts[1]) . '"'
            : 'class "' . Printable::text($parts[0]) . '" not found';
    }
}
