<?php

namespace WxToken\Command;

/** What a check of the doctor found, and what to do. */
final class Finding
{
    public const OK = 'ok';
    public const WARNING = 'warning';
    public const PROBLEM = 'problem';
    public const SKIPPED = 'skipped';

    /** @var string */
    public $verdict;
    /** @var string */
    public $text;
    /** @var string|null */
    public $advice;

    private function __construct(string $verdict, string $text, ?string $advice)
    {
        [$this->verdict, $this->text, $this->advice] = [$verdict, Text::clean($text), $advice === null ? null : Text::clean($advice)];
    }

    public static function ok(string $text): self
    {
        return new self(self::OK, $text, null);
    }

    public static function warning(string $text, string $advice): self
    {
        return new self(self::WARNING, $text, $advice);
    }

    public static function problem(string $text, string $advice): self
    {
        return new self(self::PROBLEM, $text, $advice);
    }

    /** @param string $reason Why there was nothing to check, or nothing that could be. */
    public static function skipped(string $reason, ?string $advice = null): self
    {
        return new self(self::SKIPPED, $reason, $advice);
    }

    /**
     * The worst of several.
     *
     * @param self[] $findings One at least.
     *
     * @return self[] Those with a verdict worse than ok, or if there are none, all.
     */
    public static function notable(array $findings): array
    {
        $bad = array_filter($findings, static function (self $finding): bool {
            return $finding->verdict === self::WARNING || $finding->verdict === self::PROBLEM;
        });
        return array_values($bad ?: $findings);
    }
}
