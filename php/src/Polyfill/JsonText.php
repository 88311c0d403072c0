<?php

namespace WxToken\Polyfill;

/** A text that is a JSON object, whole or torn: its members, where they stand. */
final class JsonText
{
    private const MAX_DEPTH = 100;

    private const STRING = '/\G"(?:[^"\\\\\x00-\x1f]|\\\\(?:["\\\\\/bfnrt]|u[0-9a-fA-F]{4}))*+/';

    private const SCALAR = '/\G(?:-?(?:0|[1-9]\d*+)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/';

    /** The beginning of a scalar, and nothing behind it. */
    private const TORN_SCALAR = '/\G(?:-?(?:0|[1-9]\d*+)(?:\.|(?:\.\d+)?[eE][+-]?)|-|t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?)$/D';

    /** @var string */
    private $text;
    /** @var int */
    private $at = 0;
    /** @var bool Whether the text ended where more was expected. */
    private $isTorn = false;

    private function __construct(string $text)
    {
        $this->text = $text;
    }

    /** The members of `$text`, if it is a JSON object and nothing else. */
    public static function parse(string $text): ?Members
    {
        $cursor = new self($text);
        $members = new Members(strcspn($text, '{') + 1);
        return $cursor->object($members) && trim(substr($text, $cursor->at), " \t\r\n") === '' ? $members : null;
    }

    /**
     * What is whole of an object that is torn, as an object: its end is missing, or an old end stands behind a shorter
     * text that was written in place. Null if `$text` is no such object.
     */
    public static function mend(string $text): ?string
    {
        $cursor = new self($text);
        $members = new Members(strcspn($text, '{') + 1);
        $isTorn = $cursor->object($members) ? self::isOldEnd(substr($text, $cursor->at)) : $cursor->isTorn;
        return $isTorn ? substr($text, 0, $members->endOfWhole($text)) . '}' : null;
    }

    /** @param array<string, string|null> $changes */
    public static function edit(string $text, Members $members, array $changes): string
    {
        return $members->edit($text, $changes, ',', static function (string $key): string {
            return json_encode($key) . ':';
        })[0];
    }

    /** A value as JSON without a "<": a token file named *.php without a guard would run what a source says. */
    public static function encode($value): string
    {
        $flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | (defined('JSON_INVALID_UTF8_SUBSTITUTE') ? JSON_INVALID_UTF8_SUBSTITUTE : 0);
        return str_replace('<', '\u003c', (string) json_encode($value, $flags));
    }

    /** Whether `$tail`, which follows an object, is the end of an older one, or a hole in the file. */
    private static function isOldEnd(string $tail): bool
    {
        $tail = trim($tail, "\0 \t\r\n\f");
        if ($tail === '' || substr($tail, -1) !== '}') {
            return $tail === '';
        }
        $cursor = new self($tail);
        while ($cursor->skipSpace() < strlen($tail)) {
            if (!$cursor->value(1)) {
                return true;
            }
        }
        return false;
    }

    private function skipSpace(): int
    {
        return $this->at += strspn($this->text, " \t\r\n", $this->at);
    }

    /** Takes one of `$characters`; null if there is none. */
    private function take(string $characters): ?string
    {
        if ($this->skipSpace() >= strlen($this->text)) {
            $this->isTorn = true;
            return null;
        }
        $found = $this->text[$this->at];
        if (strpos($characters, $found) === false) {
            return null;
        }
        $this->at++;
        return $found;
    }

    private function object(?Members $members = null, int $depth = 0): bool
    {
        if ($this->take('{') === null) {
            return false;
        }
        for ($separators = '}"'; ($next = $this->take($separators)) !== '}'; $separators = '"') {
            $start = $this->at - 1;
            if ($next === null || !$this->string($start) || $this->take(':') === null) {
                return false;
            }
            $key = (string) json_decode(rtrim(substr($this->text, $start, $this->at - 1 - $start)));
            $valueStart = $this->skipSpace();
            $isWhole = $this->value($depth + 1);
            if (!$isWhole) {
                return false;
            }
            if ($members !== null) {
                $members->push($key, $valueStart, $this->at);
            }
            $after = $this->take(',}');
            if ($after !== ',') {
                return $after === '}';
            }
        }
        return true;
    }

    private function array(int $depth): bool
    {
        $this->at++;
        $this->skipSpace();
        if (($this->text[$this->at] ?? '') === ']') {
            $this->at++;
            return true;
        }
        do {
            if (!$this->value($depth + 1)) {
                return false;
            }
            $after = $this->take(',]');
        } while ($after === ',');
        return $after === ']';
    }

    private function value(int $depth): bool
    {
        if ($this->skipSpace() >= strlen($this->text)) {
            $this->isTorn = true;
            return false;
        }
        if ($depth > self::MAX_DEPTH) {
            return false;
        }
        switch ($this->text[$this->at]) {
            case '{':
                return $this->object(null, $depth);
            case '[':
                return $this->array($depth);
            case '"':
                return $this->string($this->at);
        }
        if (preg_match(self::SCALAR, $this->text, $match, 0, $this->at) === 1) {
            $end = $this->at + strlen($match[0]);
            if (preg_match('/\G[\w.+-]/', $this->text, $next, 0, $end) !== 1) {
                $this->at = $end;
                return true;
            }
        }
        $this->isTorn = preg_match(self::TORN_SCALAR, $this->text, $match, 0, $this->at) === 1;
        return false;
    }

    private function string(int $start): bool
    {
        if (preg_match(self::STRING, $this->text, $match, 0, $start) !== 1) {
            return false;
        }
        $end = $start + strlen($match[0]);
        if (($this->text[$end] ?? '') === '"') {
            $this->at = $end + 1;
            return true;
        }
        $this->isTorn = preg_match('/\G(?:\\\\(?:u[0-9a-fA-F]{0,3})?)?$/D', $this->text, $match, 0, $end) === 1;
        return false;
    }
}
