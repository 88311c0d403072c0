<?php

namespace WxToken\Polyfill;

/** A JSON object with a token and an expiry, perhaps behind a guard. */
final class JsonFile
{
    /** The keys of WeChat's error. */
    private const ERROR = ['errcode', 'errmsg', 'rid', 'msgid', 'hint'];

    /** The longest JSON text of what WeChat's console calls a token: a word of 32 characters. */
    private const LONGEST_WORD = 34;

    /** @var string */
    private $text;
    /** @var Members */
    private $members;
    /** @var bool */
    private $isTorn = false;
    /** @var bool Whether the key of a token or ticket may stand in what was torn away. */
    private $hasTornKey = false;

    private function __construct(string $text, Members $members)
    {
        $this->text = $text;
        $this->members = $members;
    }

    private static function parse(string $text): ?self
    {
        $members = JsonText::parse($text);
        return $members === null ? null : new self($text, $members);
    }

    /** A new file of `$layout`, which is one of JSON, behind `$prefix`. */
    public static function fresh(string $kind, Layout $layout, string $prefix): Keyed
    {
        [$numbers, $key] = self::newNumbers($kind, $layout);
        return new Keyed(true, $prefix, '{}', new Members(1), $key, $numbers);
    }

    /** @return array{Number[], string} */
    private static function newNumbers(string $kind, Layout $layout): array
    {
        $key = Kind::KEYS[$kind][0];
        if ($layout->format !== Layout::JSON) {
            return [[new Number(Expiry::unambiguous('expires'))], $kind === Kind::TOKEN ? 'token' : $key];
        }
        if ($layout->expiry->start !== null) {
            $start = new Expiry($layout->expiry->start, Expiry::START);
            return [[new Number(Expiry::unambiguous('expires_in')), new Number($start)], $key];
        }
        return [[new Number($layout->expiry)], $key];
    }

    /**
     * Reads `$text`, which follows `$prefix`. Without an expiry it gets that of `$new`. Of a torn text, what is whole
     * stays, but not the token.
     *
     * @throws Refusal
     */
    public static function read(string $prefix, string $text, Layout $new, string $kind, ?Layout $layout, int $written): Found
    {
        $file = self::parse($text);
        if ($file !== null) {
            return $file->readWhole($prefix, $new, $kind, $layout, $written);
        }
        $whole = JsonText::mend($text);
        if ($whole === null) {
            throw new Refusal('it is not valid JSON', 'Correct the file, or pass the path of a new file');
        }
        $file = self::parse($whole);
        if ($file === null || $file->members->keys() === []) {
            return Found::truncated($new, $prefix);
        }
        $file->isTorn = true;
        foreach (Kind::KEYS[Kind::ANY] as $key) {
            $file->hasTornKey = $file->hasTornKey || strpos($text, "\"$key\"") !== false;
        }
        $found = $file->readWhole($prefix, $new, $kind, $layout, $written);
        $found->isDamaged = true;
        return $found;
    }

    /** The refresh state in `$text`, if there is nothing beside it but WeChat's error; false if there is more. */
    public static function stateAlone(string $text)
    {
        $file = strncmp($text, '{', 1) === 0 ? self::parse($text) : null;
        if ($file === null) {
            return false;
        }
        $file = $file->withoutError();
        $state = $file->get(RefreshState::KEY);
        if (array_diff($file->members->keys(), [RefreshState::KEY]) !== []) {
            return false;
        }
        return $state === null ? null : RefreshState::read($state);
    }

    private function readWhole(string $prefix, Layout $new, string $kind, ?Layout $layout, int $written): Found
    {
        $found = $this->findToken($kind, $layout);
        $file = $this;
        if ($found === null) {
            $file = $this->withoutError();
            $file->findOtherToken($kind);
        }
        $tokenKey = $found ?? ($file->hasTornKey ? Kind::KEYS[$kind][0] : null);
        if ($tokenKey !== null && $file->isTorn) {
            $file = $file->with([$tokenKey => '""']);
        }
        if ($file->get('openid') !== null && $file->get('refresh_token') !== null) {
            throw new Refusal('it contains the web token of a visitor ("openid", "refresh_token"), not that of an account');
        }
        $named = $layout !== null && $layout->format === Layout::JSON ? $layout->expiry : null;
        $present = $named !== null && $file->get($named->key) !== null ? $named : null;
        $numbers = $file->findNumbers($tokenKey !== null, $present);
        if ($numbers === []) {
            $file->findOtherExpiry($named);
            if ($layout === null && $tokenKey !== null && self::isCredential($file->get($tokenKey))) {
                throw new Refusal(
                    'its token has no expiry',
                    "Pass a 'layout' with the key that it is to get, such as 'expire_time', or pass the path of a new file"
                );
            }
            $jsonLayout = $new->isJson() ? $new : Layout::byName('expire');
            foreach (self::newNumbers($kind, $jsonLayout)[0] as $number) {
                $numbers[] = $file->number($number->expiry) ?? $number;
            }
        }
        if ($tokenKey === null && $file->hasMoreThan($numbers)) {
            throw Refusal::foreign('it is JSON without a token and its expiry');
        }
        $tokenKey = $tokenKey ?? Kind::KEYS[$kind][0];
        $value = self::tokenOf($tokenKey, $file->get($tokenKey));
        $keyed = new Keyed(true, $prefix, $file->text, $file->members, $tokenKey, $numbers);
        $result = new Found($new);
        $result->file = $keyed;
        $state = $file->get(RefreshState::KEY);
        $result->state = $state === null ? new RefreshState() : RefreshState::read($state);
        if ($value !== null) {
            $counted = $present !== null && $keyed->hasExpiry($present->key) ? $present : null;
            $result->expiry = $keyed->expiry($written, $counted);
            $result->token = $result->expiry === null ? null : $value;
        }
        return $result;
    }

    private function get(string $key): ?string
    {
        return $this->members->get($this->text, $key);
    }

    private function with(array $changes): self
    {
        $text = JsonText::edit($this->text, $this->members, $changes);
        $file = clone $this;
        $file->text = $text;
        $file->members = JsonText::parse($text) ?? new Members(1);
        return $file;
    }

    /** The file without WeChat's error, if there is one. */
    private function withoutError(): self
    {
        $code = $this->get('errcode');
        return $code === null || $code === '0' ? $this : $this->with(array_fill_keys(self::ERROR, null));
    }

    private function isFilled(string $key): bool
    {
        return !in_array($this->get($key), [null, 'null', 'false', '""'], true);
    }

    /** The key of the token, if there is one. */
    private function findToken(string $kind, ?Layout $layout): ?string
    {
        if ($kind === Kind::ANY) {
            return $this->findAnyToken($layout);
        }
        [$own, $other] = [null, null];
        foreach (Kind::KEYS[Kind::ANY] as $key) {
            $isOwn = in_array($key, Kind::KEYS[$kind], true);
            if (!$isOwn && $this->isFilled($key)) {
                $other = $other ?? $key;
            }
        }
        foreach (Kind::KEYS[$kind] as $key) {
            if ($this->get($key) !== null && ($own === null || (!$this->isFilled($own) && $this->isFilled($key)))) {
                $own = $key;
            }
        }
        if ($own === null && $other !== null) {
            throw new Refusal(
                "it contains \"$other\", not \"" . Kind::KEYS[$kind][0] . '"',
                'Check the path: each kind of token or ticket has a file of its own'
            );
        }
        $other = $other ?? ($own === null ? null : $this->findSecond($own));
        if ($other !== null) {
            throw new Refusal("it contains \"$own\" and " . Refusal::shown($other), 'Give each token or ticket a file of its own');
        }
        if ($own !== null || $kind !== Kind::TOKEN) {
            return $own;
        }
        $isNamed = $layout !== null && $layout->format === Layout::TOKEN_EXPIRES;
        return $this->get('token') !== null && ($isNamed || $this->get('expires') !== null) ? 'token' : null;
    }

    private function findAnyToken(?Layout $layout): ?string
    {
        $first = null;
        foreach (Kind::ALL as $kind) {
            try {
                $found = $this->findToken($kind, $layout);
                if ($found !== null) {
                    return $found;
                }
            } catch (Refusal $refusal) {
                $first = $first ?? $refusal;
            }
        }
        if ($first !== null) {
            throw $first;
        }
        return null;
    }

    /** Another token or ticket beside the one under `$own`: it would get a new expiry, and stay the old one. */
    private function findSecond(string $own): ?string
    {
        foreach ($this->members->keys() as $key) {
            $name = strtolower($key);
            $isAbout = strpos($name, 'token') !== false || strpos($name, 'ticket') !== false;
            if ($key !== $own && $key !== RefreshState::KEY && $name !== 'refresh_token' && $isAbout
                && strlen($this->get($key)) > self::LONGEST_WORD && self::isCredential($this->get($key))
            ) {
                return $key;
            }
        }
        return null;
    }

    /** Whether there is something beside the keys of a file that keeps a credential. */
    private function hasMoreThan(array $numbers): bool
    {
        $ours = array_merge([RefreshState::KEY], Kind::KEYS[Kind::ANY]);
        foreach ($numbers as $number) {
            $ours[] = $number->expiry->key;
        }
        return array_diff($this->members->keys(), $ours) !== [];
    }

    /**
     * The numbers of which the expiry depends, if there are some. `$named` is the expiry that the caller names.
     *
     * @return Number[]
     */
    private function findNumbers(bool $hasToken, ?Expiry $named): array
    {
        $starts = array_filter(Expiry::STARTS, function (string $key): bool {
            return $this->get($key) !== null;
        });
        $numbers = array_values(array_filter(array_map([$this, 'number'], Expiry::allUnambiguous())));
        foreach ($numbers as $number) {
            $key = $number->expiry->key;
            // What stands there tells, and else the caller.
            if ($named !== null && $named->key === $key && $number->value === null) {
                $number->expiry = new Expiry($key, $named->meaning);
            }
            if ($number->expiry->meaning === Expiry::TIME && $number->value !== null && Expiry::looksLikeDuration($number->value)) {
                if ($starts === []) {
                    throw self::duration($key);
                }
                $number->expiry = new Expiry($key, Expiry::LIFETIME);
            }
        }
        $hasDuration = self::any($numbers, static function (Number $number): bool {
            return $number->isLasting();
        });
        if ($named !== null && $hasDuration && in_array($named->key, Expiry::STARTS, true)) {
            $named = null;
        }
        if ($named !== null && Expiry::unambiguous($named->key) === null) {
            $number = $this->number($named);
            if ($number !== null && $number->value !== null && Expiry::looksLikeDuration($number->value)) {
                throw self::duration($named->key);
            }
            $numbers = array_merge($numbers, $number === null ? [] : [$number]);
        } elseif ($this->get('expires_time') !== null) {
            throw self::twoMeanings('expires_time');
        }
        $hasMoment = self::any($numbers, static function (Number $number): bool {
            return !$number->isLasting() && $number->value !== null;
        });
        foreach ($starts as $key) {
            if ($named !== null && $named->key === $key) {
                continue;
            }
            $isDate = Refusal::looksLikeDate($this->get($key));
            if ($hasMoment && (!$hasDuration || $isDate)) {
                continue;
            }
            if ($hasDuration && !$isDate) {
                $numbers[] = $this->number(new Expiry($key, Expiry::START));
            } elseif ($isDate) {
                throw self::date($key);
            } elseif ($hasToken) {
                throw self::twoMeanings($key);
            }
        }
        $hasStart = self::any($numbers, static function (Number $number): bool {
            return $number->isStart();
        });
        if ($hasDuration && !$hasMoment && !$hasStart) {
            $this->findOtherStart();
        }
        return $numbers;
    }

    /** A duration that begins at an unknown key must not be renewed without that. */
    private function findOtherStart(): void
    {
        foreach ($this->members->keys() as $key) {
            if ($key === RefreshState::KEY || Expiry::unambiguous($key) !== null) {
                continue;
            }
            $value = $this->get($key);
            if (Refusal::looksLikeDate($value)) {
                throw self::date($key);
            }
            if ($this->isMoment($key)) {
                throw new Refusal(
                    'its duration seems to begin at ' . Refusal::shown($key) . ' (' . Refusal::shape($value) . '), which is not supported',
                    'Rename that key to "time" if it is the time of the fetch, or pass the path of a new file'
                );
            }
        }
    }

    private function number(Expiry $expiry): ?Number
    {
        $json = $this->get($expiry->key);
        return $json === null ? null : new Number($expiry, self::numberOf($expiry->key, $json), $json[0] === '"');
    }

    private function isMoment(string $key): bool
    {
        try {
            return (int) self::numberOf($key, $this->get($key)) >= Expiry::LEAST_TIME;
        } catch (Refusal $refusal) {
            return false;
        }
    }

    /** A file with such a key must not be completed with an expiry: it has one, unless the caller names it. */
    private function findOtherExpiry(?Expiry $named): void
    {
        foreach ($this->members->keys() as $key) {
            if ($key === RefreshState::KEY || ($named !== null && $named->start === $key)) {
                continue;
            }
            if (in_array($key, Expiry::STARTS, true)) {
                throw new Refusal(
                    "its \"$key\" stands alone, without a token",
                    "Pass the 'layout' of the code that reads it, such as '$key+expires_in' or '$key:fetched'"
                );
            }
            $value = $this->get($key);
            if (Refusal::looksLikeDate($value)) {
                throw self::date($key);
            }
            if (self::isAboutTime($key) || $this->isMoment($key)) {
                throw new Refusal(
                    'its expiry seems to stand under ' . Refusal::shown($key) . ' (' . Refusal::shape($value) . '), which is not supported',
                    'Rename that key to "expires_at" if it is the expiry, or pass the path of a new file'
                );
            }
        }
    }

    /** A token or ticket under an unknown key must not be left beside a new expiry. */
    private function findOtherToken(string $kind): void
    {
        foreach ($this->members->keys() as $key) {
            $json = $this->get($key);
            if ($key === RefreshState::KEY) {
                continue;
            }
            if ($json[0] === '{' && strpos($json, 'token') !== false) {
                throw new Refusal(
                    'its token stands inside ' . Refusal::shown($key) . ', which is not supported',
                    'Use a file for each account, with "access_token" at the top'
                );
            }
            if (self::isCredential($json) && $this->hasExpiry()) {
                throw new Refusal(
                    'its token stands under ' . Refusal::shown($key) . ' (' . Refusal::shape($json) . '), which is not supported',
                    'Store it under "' . Kind::KEYS[$kind][0] . '", or pass the path of a new file'
                );
            }
        }
    }

    /** Whether a key seems to be about an expiry, or a name about a token. */
    private function hasExpiry(): bool
    {
        foreach ($this->members->keys() as $key) {
            if (self::isAboutTime($key) || stripos($key, 'token') !== false || in_array($key, Expiry::STARTS, true) || $this->isMoment($key)) {
                return true;
            }
        }
        return false;
    }

    private static function any(array $numbers, callable $is): bool
    {
        return array_filter($numbers, $is) !== [];
    }

    private static function duration(string $key): Refusal
    {
        return new Refusal(
            "its \"$key\" is a duration, and nothing says when that began",
            'Rename that key to "expires_in" if it begins with the file\'s modification, or pass the path of a new file'
        );
    }

    private static function twoMeanings(string $key): Refusal
    {
        return new Refusal(
            "its \"$key\" has two possible meanings",
            "Pass 'layout' => '$key:expiry' if it is the expiry, or 'layout' => '$key:fetched' if it is the time of the fetch"
        );
    }

    private static function date(string $key): Refusal
    {
        return new Refusal(
            Refusal::shown($key) . ' has a date, not a Unix timestamp',
            'Store a Unix timestamp there instead, or pass the path of a new file'
        );
    }

    private static function isAboutTime(string $key): bool
    {
        return preg_match('/expir|time$|_at$/Di', $key) === 1;
    }

    /** Whether a value may well be a token or ticket, or contain one. */
    private static function isCredential(?string $json): bool
    {
        $text = json_decode((string) $json);
        return is_string($text) && (Refusal::looksLikeToken($text) || strpos($text, 'access_token') !== false);
    }

    private static function tokenOf(string $key, ?string $json): ?string
    {
        $value = json_decode((string) $json);
        if ($value === null || $value === false) {
            return null;
        }
        if (!is_string($value)) {
            throw Refusal::notAString($key, Refusal::shape($json));
        }
        return Token::isToken($value) ? $value : null;
    }

    private static function numberOf(string $key, string $json): ?int
    {
        $value = json_decode($json);
        $number = is_string($value) ? trim($value) : $value;
        if ($number === null || $number === false || $number === '') {
            return null;
        }
        if (!is_int($number) && !is_float($number) && !(is_string($number) && is_numeric($number))) {
            throw Refusal::notANumber($key, Refusal::shape($json));
        }
        $number = is_int($number + 0) ? (int) $number : Numbers::whole(floor((float) $number));
        if ($number > Expiry::LARGEST_TIME) {
            throw Refusal::notATime($key);
        }
        return $number;
    }
}
