<?php

namespace WxToken\Polyfill;

/** The token alone, or with numbers on one line: files without room for anything else. */
final class TextFile
{
    /** WeChat's tokens have more; `null`, `Array` and `404` are none. */
    private const LEAST_LENGTH = 16;

    /** Whether `$text` can be a token that stands alone in a file. */
    public static function isAlone(string $text): bool
    {
        $isWord = strlen($text) < 2 * self::LEAST_LENGTH && preg_match('/\d/', $text) !== 1;
        return strlen($text) >= self::LEAST_LENGTH && !$isWord
            && preg_match('/^[A-Za-z0-9\-_.~+\/]*=*$/D', $text) === 1 && preg_match('/[A-Za-z]/', $text) === 1;
    }

    /** @throws Refusal */
    public static function readPlain(string $trimmed, int $written): Found
    {
        if (!self::isAlone($trimmed)) {
            throw new Refusal(
                'it is not a token alone (at least 16 characters of A-Z a-z 0-9 - _ . ~ + / =)',
                "Pass another 'layout' than 'plain', or check the path"
            );
        }
        $expiry = new FileExpiry(Clock::add($written, Expiry::USUAL_LIFE * 1000), true);
        return Found::text(new Layout(Layout::PLAIN), $trimmed, $expiry);
    }

    /**
     * Reads `$trimmed`, if it is a token and numbers on a line. `$named` is the layout that the caller names.
     *
     * @throws Refusal
     */
    public static function readCsv(string $trimmed, ?Layout $named): ?Found
    {
        $fields = array_map('trim', explode(',', $trimmed));
        $token = array_shift($fields);
        if (!self::isAlone($token) || preg_grep('/^[+-]?\d{1,18}$/D', $fields, PREG_GREP_INVERT) !== []) {
            return null;
        }
        $numbers = array_map('intval', $fields);
        $last = end($numbers);
        if ($last !== false && (Expiry::looksLikeDuration($last) || $last > Expiry::LARGEST_TIME)) {
            throw new Refusal('the number after the token is no Unix timestamp');
        }
        $layout = $named !== null && $named->format === Layout::CSV ? clone $named : Layout::csv(Expiry::START);
        if (count($numbers) === 2 && Expiry::isDuration($numbers[0])) {
            $layout = Layout::csv(Expiry::START);
            $at = Expiry::unambiguous('expires_in')->moment($numbers[0], Expiry::timestamp($last));
        } elseif (count($numbers) !== 1) {
            return null;
        } elseif ($layout->expiry->meaning === Expiry::START) {
            throw new Refusal(
                'the number after the token has two possible meanings',
                "Pass 'layout' => 'csv:expiry' if it is the expiry, or 'layout' => 'csv:fetched' if it is the time of the fetch"
            );
        } else {
            $at = $layout->expiry->moment($last, Expiry::timestamp($last));
        }
        $layout->isMillis = Expiry::isMillis($last);
        return Found::text($layout, $token, new FileExpiry($at));
    }

    /** Writes `$token`, if there is one. */
    public static function write(Layout $layout, ?Token $token, ?Moments $moments): Content
    {
        if ($token === null) {
            return new Content('', null, false);
        }
        if ($layout->format === Layout::PLAIN) {
            return new Content($token->value, Clock::add($token->expiry, -Expiry::USUAL_LIFE * 1000), false);
        }
        $before = $layout->isMillis ? PHP_INT_MAX : null;
        $start = Clock::fromSeconds(Clock::seconds($moments->fetched));
        $number = $layout->expiry->number($moments, $before, $start);
        $duration = $layout->expiry->meaning === Expiry::START
            ? ',' . Expiry::unambiguous('expires_in')->number($moments, null, $start)
            : '';
        return new Content("$token->value$duration,$number", null, false);
    }
}
