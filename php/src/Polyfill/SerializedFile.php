<?php

namespace WxToken\Polyfill;

/** serialize() of an array of `name`, `value` and `expired`, as WeChatDeveloper's cache writes it. */
final class SerializedFile
{
    public static function fresh(string $name): Keyed
    {
        // Somebody may run the file.
        $parts = array_map([SerializedText::class, 'string'], ['name', str_replace('<', '_', $name), 'value', '', 'expired']);
        $text = 'a:3:{' . implode('', $parts) . 'i:1;}';
        return self::keyed($text, SerializedText::parse($text), null, false);
    }

    /** @throws Refusal */
    public static function read(string $text, string $kind): Found
    {
        $layout = new Layout(Layout::SERIALIZED);
        $members = SerializedText::parse($text, $isTorn);
        if ($members === null) {
            if ($isTorn) {
                return Found::truncated($layout);
            }
            throw new Refusal('its serialize() data is not valid, or has objects or references', 'Pass the path of a new file, or check the path');
        }
        $get = static function (string $key) use ($members, $text) {
            return SerializedText::scalar($members->get($text, $key));
        };
        [$value, $expired, $name, $state] = [$get('value'), $get('expired'), $get('name'), $get(RefreshState::KEY)];
        if ($value === false || $expired === false) {
            throw new Refusal(
                'its serialize() array has no text under "value", or no number under "expired"',
                'Pass the path of a new file, or check the path'
            );
        }
        self::checkName($name, $kind);
        if (is_int($value)) {
            throw Refusal::notAString('value', 'a number');
        }
        if (is_string($expired) && preg_match('/^[+-]?\d{1,18}$/D', trim($expired)) !== 1) {
            throw Refusal::notANumber('expired', 'a string');
        }
        $number = $expired === null ? 1 : (int) trim((string) $expired);
        if (Expiry::looksLikeDuration($number) || $number > Expiry::LARGEST_TIME) {
            throw Refusal::notATime('expired');
        }
        $found = new Found($layout);
        $found->file = self::keyed($text, $members, $expired === null ? null : $number, is_string($expired));
        $found->state = is_string($state) ? RefreshState::read($state) : new RefreshState();
        if (is_string($value) && Token::isToken($value)) {
            $found->token = $value;
            // WeChatDeveloper's cache: 0 is never.
            $found->expiry = new FileExpiry($number === 0 ? Clock::NEVER : Expiry::timestamp($number), false, $number === 0);
        }
        return $found;
    }

    private static function keyed(string $text, Members $members, ?int $value, bool $isText): Keyed
    {
        return new Keyed(false, '', $text, $members, 'value', [new Number(Expiry::unambiguous('expired'), $value, $isText)]);
    }

    private static function checkName($name, string $kind): void
    {
        if (!is_string($name) || $kind === Kind::ANY) {
            return;
        }
        $other = null;
        if ($kind === Kind::TOKEN) {
            $other = strpos($name, 'ticket') !== false ? 'a ticket' : null;
        } elseif (substr($name, -strlen('access_token')) === 'access_token') {
            $other = 'an access token';
        }
        if ($other !== null) {
            throw new Refusal("its name says that it contains $other", 'Check the path: each kind of token or ticket has a file of its own');
        }
    }
}
