<?php

namespace WxToken\Polyfill;

/** A file that keeps token, expiry and refresh state under keys, and the places in it that a write changes. */
final class Keyed
{
    /** @var bool JSON, or serialize() data. */
    private $isJson;
    /** @var string */
    private $prefix;
    /** @var string */
    private $text;
    /** @var Members */
    private $members;
    /** @var string */
    private $tokenKey;
    /** @var Number[] */
    private $numbers;

    public function __construct(bool $isJson, string $prefix, string $text, Members $members, string $tokenKey, array $numbers)
    {
        $this->isJson = $isJson;
        $this->prefix = $prefix;
        $this->text = $text;
        $this->members = $members;
        $this->tokenKey = $tokenKey;
        $this->numbers = $numbers;
    }

    public function isGuarded(): bool
    {
        return strpos($this->prefix, '<?') !== false;
    }

    public function layoutName(): string
    {
        if (!$this->isJson) {
            return 'serialize';
        }
        $names = ['start' => [], 'other' => []];
        foreach ($this->numbers as $number) {
            $names[$number->isStart() ? 'start' : 'other'][] = $number->expiry->name();
        }
        $names = array_merge($this->tokenKey === 'token' ? ['token'] : [], $names['start'], $names['other']);
        return (strpos($this->prefix, '<?') !== false ? 'guarded ' : '') . implode('+', $names);
    }

    /** The earliest expiry that the numbers of a file say that was `$written` then. With `$named`, only that one counts. */
    public function expiry(int $written, ?Expiry $named): ?FileExpiry
    {
        [$starts, $earliest] = [[], null];
        foreach ($this->numbers as $number) {
            if ($number->isStart() && $number->value !== null) {
                $starts[] = $number->value;
            }
        }
        $hasStart = $this->hasStart();
        foreach ($this->numbers as $number) {
            if ($number->value === null || $number->isStart() || ($named !== null && $named->key !== $number->expiry->key)) {
                continue;
            }
            $isByModification = $number->isLasting() && !$hasStart;
            if ($number->isLasting() && $hasStart && $starts === []) {
                continue;
            }
            $start = $number->isLasting() && $hasStart ? Expiry::timestamp(min($starts)) : $written;
            $found = [$isByModification, $number->expiry->moment($number->value, $start)];
            // A modification time says less than whatever else there is.
            $earliest = $earliest === null ? $found : min($earliest, $found);
        }
        return $earliest === null ? null : new FileExpiry($earliest[1], $earliest[0]);
    }

    public function hasExpiry(string $key): bool
    {
        foreach ($this->numbers as $number) {
            if ($number->expiry->key === $key && !$number->isStart()) {
                return true;
            }
        }
        return false;
    }

    /** Whether the expiry of a token that is written here counts from the modification time of the file alone. */
    public function countsFromModification(): bool
    {
        foreach ($this->numbers as $number) {
            if (!$number->isLasting()) {
                return false;
            }
        }
        return true;
    }

    /**
     * The content with `$token` in place of the old one, if there is one, and with the refresh state `$state`. Without
     * a token, the file keeps the modification time `$modified` if durations in it count from then.
     */
    public function write(?Token $token, ?Moments $moments, int $modified, ?string $state): Content
    {
        $string = $this->isJson ? [JsonText::class, 'encode'] : [SerializedText::class, 'string'];
        $hasStart = $this->hasStart();
        $modified = $moments === null ? $modified : $moments->modified();
        $changes = $token === null ? [] : [$this->tokenKey => $string($token->value)];
        $isLasting = false;
        foreach ($this->numbers as $number) {
            $new = $number->value;
            if ($moments !== null) {
                // A start may be in whole seconds, and a duration ends no later for that.
                $start = $hasStart ? Clock::fromSeconds(Clock::seconds($moments->fetched)) : $modified;
                $new = $number->expiry->number($moments, $number->value, $start);
                $plain = $this->isJson ? (string) $new : "i:$new;";
                $changes[$number->expiry->key] = $number->isText ? $string((string) $new) : $plain;
            }
            $isLasting = $isLasting || ($number->expiry->meaning === Expiry::LIFETIME && ($new === null || Expiry::isDuration($new)));
        }
        $changes[RefreshState::KEY] = $state === null || $this->isJson ? $state : $string($state);
        $text = $this->isJson
            ? JsonText::edit($this->text, $this->members, $changes)
            : SerializedText::edit($this->text, $this->members, $changes);
        return new Content($this->prefix . $text, $isLasting && !$hasStart ? $modified : null, $this->isJson);
    }

    private function hasStart(): bool
    {
        foreach ($this->numbers as $number) {
            if ($number->isStart()) {
                return true;
            }
        }
        return false;
    }
}
