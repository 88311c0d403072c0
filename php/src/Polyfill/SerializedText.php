<?php

namespace WxToken\Polyfill;

/**
 * The part of serialize()'s format that cache files are written in: an array of scalars, or of such arrays. It is
 * read without unserialize(): nothing of it becomes an object, and each value keeps its place.
 */
final class SerializedText
{
    private const MAX_DEPTH = 16;

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

    /**
     * The members of `$text`, if it is a serialized array and nothing else, but for white space and NUL bytes behind it.
     * Else null, and whether it is torn.
     */
    public static function parse(string $text, ?bool &$isTorn = null): ?Members
    {
        $cursor = new self($text);
        $members = $cursor->array(0);
        $isTorn = $members === null && $cursor->isTorn;
        return $members !== null && trim(substr($text, $cursor->at), "\0 \t\r\n\f") === '' ? $members : null;
    }

    /** The scalar that `$text` is, as PHP's value: a string, an integer, or null for nothing; false if it is none. */
    public static function scalar(?string $text)
    {
        return $text === null ? false : (new self($text))->readScalar();
    }

    public static function string(string $text): string
    {
        return 's:' . strlen($text) . ":\"$text\";";
    }

    /** @param array<string, string|null> $changes */
    public static function edit(string $text, Members $members, array $changes): string
    {
        [$edited, $count] = $members->edit($text, $changes, '', [self::class, 'string']);
        return preg_replace('/^(\s*a:)\d+/', '${1}' . $count, $edited, 1);
    }

    private function expect(string $token): bool
    {
        $rest = (string) substr($this->text, $this->at, strlen($token));
        $this->isTorn = $this->isTorn || ($rest !== $token && strncmp($token, $rest, strlen($rest)) === 0);
        if ($rest !== $token) {
            return false;
        }
        $this->at += strlen($token);
        return true;
    }

    /** The text up to `$end`, which is skipped. */
    private function until(string $end): ?string
    {
        $found = strpos($this->text, $end, min($this->at, strlen($this->text)));
        if ($found === false) {
            // Numbers and their kinds are short.
            $this->isTorn = $this->isTorn || strlen($this->text) - $this->at < 24;
            return null;
        }
        $text = (string) substr($this->text, $this->at, $found - $this->at);
        $this->at = $found + 1;
        return $text;
    }

    private function array(int $depth): ?Members
    {
        if (!$this->expect('a:')) {
            return null;
        }
        $count = $this->until(':');
        if ($count === null || preg_match('/^\d{1,9}$/D', $count) !== 1 || !$this->expect('{')) {
            return null;
        }
        $members = new Members($this->at);
        for ($left = (int) $count; $left > 0; $left--) {
            $key = $this->readScalar();
            if ($key === false || $key === null) {
                return null;
            }
            $start = $this->at;
            $isArray = substr($this->text, $this->at, 2) === 'a:';
            $isRead = $isArray ? $depth < self::MAX_DEPTH && $this->array($depth + 1) !== null : $this->readScalar() !== false;
            if (!$isRead) {
                return null;
            }
            $members->push((string) $key, $start, $this->at);
        }
        return $this->expect('}') ? $members : null;
    }

    private function readScalar()
    {
        if ($this->expect('N;')) {
            return null;
        }
        $kind = $this->until(':');
        if ($kind === 's') {
            $length = $this->until(':');
            if ($length === null || preg_match('/^\d{1,9}$/D', $length) !== 1 || !$this->expect('"')) {
                return false;
            }
            $text = (string) substr($this->text, $this->at, (int) $length);
            if (strlen($text) < (int) $length) {
                $this->isTorn = true;
                return false;
            }
            $this->at += (int) $length;
            return $this->expect('";') ? $text : false;
        }
        if (!in_array($kind, ['i', 'd', 'b'], true)) {
            return false;
        }
        $spelled = $this->until(';');
        if ($kind === 'b') {
            return $spelled === '0' ? null : ($spelled === '1' ? 1 : false);
        }
        if ($kind === 'i') {
            return $spelled !== null && preg_match('/^[+-]?\d{1,18}$/D', $spelled) === 1 ? (int) $spelled : false;
        }
        return $spelled !== null && is_numeric($spelled) ? Numbers::whole((float) $spelled) : false;
    }
}
