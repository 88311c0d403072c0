<?php

namespace WxToken\Polyfill;

/** How a token file writes token and expiry, as the option `layout` says it. */
final class Layout
{
    public const JSON = 'json';
    public const TOKEN_EXPIRES = 'token+expires';
    public const SERIALIZED = 'serialize';
    public const PLAIN = 'plain';
    public const CSV = 'csv';

    /** What a caller can name. */
    public const NAMES = 'expire, expire_time, expires, expires_at, expired, expires_in, token+expires, guarded, serialize, plain, csv,'
        . ' expires_in:expiry, START+expires_in, or KEY:MEANING, where START is time, tokentime, get_time, update_time, create_time,'
        . ' fetch_time or timestamp, KEY is expires_time, csv or a START, and MEANING is fetched or expiry';

    /** @var string One of the formats above. */
    public $format;
    /** @var Expiry|null Of JSON and CSV. */
    public $expiry;
    /** @var bool */
    public $isGuarded = false;
    /** @var bool Whether the moment of a CSV file counts milliseconds. */
    public $isMillis = false;

    public function __construct(string $format, ?Expiry $expiry = null)
    {
        $this->format = $format;
        $this->expiry = $expiry;
    }

    public static function byName(string $name): ?self
    {
        switch ($name) {
            case 'token+expires':
                return new self(self::TOKEN_EXPIRES);
            case 'guarded':
                return self::guarded();
            case 'serialize':
                return new self(self::SERIALIZED);
            case 'plain':
                return new self(self::PLAIN);
            case 'csv':
                return self::csv(Expiry::START);
            case 'csv:fetched':
                return self::csv(Expiry::FETCHED);
            case 'csv:expiry':
                return self::csv(Expiry::TIME);
        }
        $expiry = Expiry::byName($name);
        return $expiry === null ? null : new self(self::JSON, $expiry);
    }

    public static function csv(string $meaning): self
    {
        return new self(self::CSV, new Expiry('csv', $meaning));
    }

    /** The layout of a new file called `$name`, unless the caller says otherwise. */
    public static function ofNew(string $name): self
    {
        return substr($name, -4) === '.php' ? self::guarded() : new self(self::JSON, Expiry::unambiguous('expire'));
    }

    public static function guarded(): self
    {
        $layout = new self(self::JSON, Expiry::unambiguous('expire_time'));
        $layout->isGuarded = true;
        return $layout;
    }

    public function isJson(): bool
    {
        return $this->format === self::JSON || $this->format === self::TOKEN_EXPIRES;
    }

    /** Whether the content has room for a refresh state. */
    public function hasRoom(): bool
    {
        return $this->isJson() || $this->format === self::SERIALIZED;
    }

    /** What a new file begins with. */
    public function prefix(): string
    {
        return $this->isGuarded ? Guard::CODE : '';
    }

    /** What a caller calls it. */
    public function name(): string
    {
        if ($this->isGuarded) {
            return 'guarded';
        }
        if ($this->format === self::JSON) {
            return $this->expiry->name();
        }
        if ($this->format !== self::CSV || $this->expiry->meaning === Expiry::START) {
            return $this->format;
        }
        return $this->expiry->meaning === Expiry::TIME ? 'csv:expiry' : 'csv:fetched';
    }
}
