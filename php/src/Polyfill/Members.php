<?php

namespace WxToken\Polyfill;

/** The members of a text, one value a key: where they stand, and how the text changes there. */
final class Members
{
    /** @var int Where the first member begins, or would begin. */
    public $opening;

    /** @var array{string, int, int}[] Key, and where its value begins and ends. */
    private $list = [];

    public function __construct(int $opening)
    {
        $this->opening = $opening;
    }

    public function push(string $key, int $start, int $end): void
    {
        $this->list[] = [$key, $start, $end];
    }

    /** The value of `$key` as it is spelled in `$text`. */
    public function get(string $text, string $key): ?string
    {
        $member = $this->member($key);
        return $member === null ? null : substr($text, $member[1], $member[2] - $member[1]);
    }

    /** @return string[] */
    public function keys(): array
    {
        return array_column($this->list, 0);
    }

    /** Where the last value ends, or the first would begin. */
    public function end(): int
    {
        return $this->list === [] ? $this->opening : end($this->list)[2];
    }

    /** Where the last value ends of which no character is missing, if `$text` may break off in one. */
    public function endOfWhole(string $text): int
    {
        foreach (array_reverse($this->list) as [, $start, $end]) {
            $endsItself = $end > $start && in_array($text[$end - 1], ['"', '}', ']'], true);
            if ($endsItself || trim(substr($text, $end)) !== '') {
                return $end;
            }
        }
        return $this->opening;
    }

    /**
     * `$text` with each value of `$changes` replaced, appended after its name, or (for null) removed; and the number
     * of members that it has then.
     *
     * @param array<string, string|null> $changes
     * @return array{string, int}
     */
    public function edit(string $text, array $changes, string $separator, callable $name): array
    {
        $splices = [];
        [$end, $count] = [$this->opening, 0];
        foreach ($this->list as [$key, , $valueEnd]) {
            // All of several equal keys go: one that stayed would count from now on.
            if (array_key_exists($key, $changes) && $changes[$key] === null) {
                $splices[] = [$end, $valueEnd, ''];
            } else {
                if ($count === 0 && $end > $this->opening && $separator !== '') {
                    $splices[] = [$end, strpos($text, $separator, $end) + strlen($separator), ''];
                }
                $count++;
            }
            $end = $valueEnd;
        }
        foreach ($changes as $key => $value) {
            $member = $value === null ? null : $this->member((string) $key);
            if ($member !== null) {
                $splices[] = [$member[1], $member[2], $value];
            } elseif ($value !== null) {
                $splices[] = [$end, $end, ($count === 0 ? '' : $separator) . $name((string) $key) . $value];
                $count++;
            }
        }
        // From the back to the front, so that the places before stay what they are. What is appended at one place
        // keeps its order: PHP's sort is stable only since 8.0.
        foreach ($splices as $index => $splice) {
            $splices[$index][] = $index;
        }
        usort($splices, static function (array $one, array $other): int {
            return [$other[0], $other[3]] <=> [$one[0], $one[3]];
        });
        foreach ($splices as [$from, $to, $value]) {
            $text = substr_replace($text, $value, $from, $to - $from);
        }
        return [$text, $count];
    }

    /** The last of several counts, as for PHP's decoders. */
    private function member(string $key): ?array
    {
        foreach (array_reverse($this->list) as $member) {
            if ($member[0] === $key) {
                return $member;
            }
        }
        return null;
    }
}
