<?php

namespace WxToken\Command;

use WxToken\Polyfill\Quietly;

/** Times as a person at this machine reads them: PHP's own zone is UTC unless php.ini names one. */
final class Clock
{
    /** @var \DateTimeZone */
    private $zone;

    public function __construct()
    {
        $link = Quietly::run(static function () {
            return readlink('/etc/localtime');
        });
        $system = is_string($link) ? preg_replace('~^.*/zoneinfo/(?:posix/|right/)?~', '', $link) : false;
        foreach ([getenv('TZ'), ini_get('date.timezone'), $system] as $name) {
            if (is_string($name) && $name !== '') {
                try {
                    $this->zone = new \DateTimeZone(ltrim($name, ':'));
                    return;
                } catch (\Exception $unknown) {
                    continue;
                }
            }
        }
        $this->zone = new \DateTimeZone('UTC');
    }

    public function name(): string
    {
        return $this->zone->getName();
    }

    /** The time of day, with the day if that is not today. */
    public function time(int $seconds): string
    {
        $isToday = $this->format($seconds, 'Y-m-d') === $this->format(time(), 'Y-m-d');
        return $this->format($seconds, $isToday ? 'H:i:s' : 'Y-m-d H:i:s');
    }

    public function format(int $seconds, string $format): string
    {
        return (new \DateTime("@$seconds"))->setTimezone($this->zone)->format($format);
    }

    /** The seconds of a time such as "2026-11-30 14:00" or "14:00", in this zone: the last one of that hour; null if it is none. */
    public function read(string $text): ?int
    {
        if (preg_match('/^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$|^\d\d:\d\d(?::\d\d)?$/D', $text) !== 1) {
            return null;
        }
        try {
            $moment = new \DateTime($text, $this->zone);
            if ($text[2] === ':' && $moment->getTimestamp() > time()) {
                $moment->modify('-1 day');
            }
            return $moment->getTimestamp();
        } catch (\Exception $impossible) {
            return null;
        }
    }
}
