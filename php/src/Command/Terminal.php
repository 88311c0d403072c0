<?php

namespace WxToken\Command;

use WxToken\Polyfill\Quietly;

/** Where the output goes: a terminal, with a width and colours, or a pipe or file, with neither. */
final class Terminal
{
    private const COLOURS = ['green' => '32', 'yellow' => '33', 'red' => '31', 'bold' => '1', 'dim' => '2'];

    /** @var bool */
    public $isTerminal;
    /** @var bool */
    private $hasColours;
    /** @var bool */
    private $hasProgress;
    /** @var bool */
    private $isProgressShown = false;
    /** @var bool */
    private $isBroken = false;
    /** @var int[]|null Rows and columns. */
    private $size;

    public function __construct()
    {
        $this->isTerminal = stream_isatty(STDOUT);
        $isPlain = in_array(getenv('TERM'), ['dumb', false, ''], true);
        // By no-color.org, an empty NO_COLOR does not count.
        $this->hasColours = $this->isTerminal && !$isPlain && in_array(getenv('NO_COLOR'), [false, ''], true);
        $this->hasProgress = stream_isatty(STDERR) && !$isPlain;
    }

    /** Columns, or PHP_INT_MAX where lines are not for eyes. */
    public function width(): int
    {
        return $this->size()[1];
    }

    /**
     * Rows and columns, measured once: that takes a process.
     *
     * @return int[]
     */
    public function size(): array
    {
        return $this->size = $this->size ?? $this->measure();
    }

    /** A window may have changed since the last frame. */
    public function forgetSize(): void
    {
        $this->size = null;
    }

    /** @return int[] */
    private function measure(): array
    {
        if (!$this->isTerminal) {
            return [PHP_INT_MAX, PHP_INT_MAX];
        }
        $process = Quietly::run(static function () use (&$pipes) {
            return proc_open('stty size 2>/dev/null', [STDOUT, ['pipe', 'w']], $pipes);
        });
        $answer = is_resource($process) ? (string) stream_get_contents($pipes[1]) : '';
        if (is_resource($process)) {
            proc_close($process);
        }
        if (preg_match('/^(\d+) (\d+)$/', trim($answer), $match) === 1 && (int) $match[2] > 0) {
            return [(int) $match[1] ?: 24, max(20, (int) $match[2])];
        }
        $columns = (int) getenv('COLUMNS');
        return [24, $columns >= 20 ? $columns : 80];
    }

    public function colour(string $name, string $text): string
    {
        return $this->hasColours && $text !== '' ? "\e[" . self::COLOURS[$name] . "m$text\e[0m" : $text;
    }

    /** What clean text becomes on the screen, with `$indent` before each line and the mark of `$first` before the first. */
    public function paragraph(string $text, string $indent = '', ?string $first = null): string
    {
        $width = $this->width() === PHP_INT_MAX ? PHP_INT_MAX : $this->width() - Text::width($indent);
        $lines = $width === PHP_INT_MAX ? [$text] : Text::wrap($text, $width);
        return ($first ?? $indent) . implode("\n$indent", $lines) . "\n";
    }

    public function write(string $text): void
    {
        $this->endProgress();
        $written = $this->isBroken ? false : Quietly::run(static function () use ($text) {
            return fwrite(STDOUT, $text);
        });
        $this->isBroken = $written !== strlen($text);
    }

    /** Whether all output has arrived, as far as the system says. */
    public function hasArrived(): bool
    {
        return !$this->isBroken && fflush(STDOUT);
    }

    public function complain(string $text): void
    {
        $this->endProgress();
        fwrite(STDERR, $text);
    }

    /** Says what takes time now; the next output takes its place. */
    public function progress(string $text): void
    {
        if ($this->hasProgress) {
            $columns = $this->isTerminal ? $this->width() : 80;
            fwrite(STDERR, "\r\e[K" . Text::shorten("$text …", $columns - 1));
            $this->isProgressShown = true;
        }
    }

    public function endProgress(): void
    {
        if ($this->isProgressShown) {
            fwrite(STDERR, "\r\e[K");
            $this->isProgressShown = false;
        }
    }
}
