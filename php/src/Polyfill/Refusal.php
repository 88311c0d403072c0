<?php

namespace WxToken\Polyfill;

/** Why a file is not used as it is. No value of the file is in it, and no key that may be a secret. */
final class Refusal extends \Exception
{
    /** @var string */
    public $remedy;

    public function __construct(string $reason, string $remedy = 'Pass the path of a new file')
    {
        parent::__construct($reason);
        $this->remedy = $remedy;
    }

    public static function foreign(string $reason): self
    {
        return new self("it is not a token file: $reason", 'Check the path');
    }

    public static function notAString(string $key, string $shape): self
    {
        return new self("its \"$key\" is $shape, not a string", 'Store the token there as a string, or pass the path of a new file');
    }

    public static function notANumber(string $key, string $shape): self
    {
        return new self("its \"$key\" is $shape, not a number", 'Store a number there, or pass the path of a new file');
    }

    public static function notATime(string $key): self
    {
        return new self("its \"$key\" is a number, but no Unix timestamp", 'Store a Unix timestamp there, or pass the path of a new file');
    }

    /** `$key` as a message may show it: other code may use a secret or a token as the key. */
    public static function shown(string $key): string
    {
        return preg_match('/^\w{1,24}$/D', $key) === 1 ? "the key \"$key\"" : 'a key';
    }

    /** What a JSON value is, without what it says. */
    public static function shape(?string $json): string
    {
        $value = json_decode((string) $json);
        if (is_string($value)) {
            if (strncmp($value, '{', 1) === 0) {
                return 'JSON in a string';
            }
            return self::looksLikeDate($json) ? 'a date' : 'a string of ' . preg_match_all('/./su', $value) . ' characters';
        }
        $names = ['boolean' => 'true or false', 'integer' => 'a number', 'double' => 'a number', 'array' => 'an array', 'object' => 'an object'];
        return $names[gettype($value)] ?? 'null';
    }

    /** Whether `$text`, which stands in an unknown place, may well be a token or ticket. */
    public static function looksLikeToken(string $text): bool
    {
        return strlen($text) >= 32 && Token::isToken($text);
    }

    /** Whether a JSON value is a date such as "2019-05-07 09:13:27", of no time zone that is known. */
    public static function looksLikeDate(?string $json): bool
    {
        $text = json_decode((string) $json);
        return is_string($text) && preg_match('~^\d{4}(?!\d)[^-/.]*[-/.]\d{1,2}(?!\d)[^-/.]*[-/.]\d{1,2}(?!\d)~', $text) === 1;
    }
}
