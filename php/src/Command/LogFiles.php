<?php

namespace WxToken\Command;

use WxToken\Polyfill\Quietly;

/**
 * The refresh log and what logrotate has made of it, read as a stream, the oldest line first. A log may be larger than the
 * memory of this process: of a file that is not compressed, only the part since the given time is read.
 */
final class LogFiles
{
    /** Lines of ours are shorter. What is longer is counted, and not kept. */
    private const MAX_LINE = 8192;

    /** Processes write at the same time, so a line may be a little older than the one before. */
    private const DISORDER = 65536; // Bytes.

    /** How far a search looks for a line of ours, in bytes. */
    private const NEARBY = 1048576;

    /** @var int Lines that are not JSON. */
    public $broken = 0;
    /** @var int Lines of other programs. */
    public $others = 0;
    /** @var string[] The files that were read. */
    public $read = [];
    /** @var string[] Files that could not be read, each with the reason. */
    public $unread = [];

    /** @var string */
    private $path;
    /** @var float */
    private $since;

    /** @param string $path The log, or "-" for the standard input. */
    public function __construct(string $path, float $since)
    {
        $this->path = $path;
        $this->since = $since;
    }

    /** @return \Generator<LogLine> */
    public function lines(): \Generator
    {
        foreach ($this->path === '-' ? ['php://stdin'] : $this->files() as $file) {
            $handle = $this->open($file);
            if ($handle === null) {
                continue;
            }
            $this->read[] = $file;
            yield from $this->linesOf($handle);
            fclose($handle);
        }
    }

    /**
     * What may have lines since the given time, the oldest first.
     *
     * @return string[]
     */
    private function files(): array
    {
        clearstatcache();
        $pattern = '/^' . preg_quote(basename($this->path), '/') . '(?:[.-]\d{1,10}(?:-\d{1,10})?)?(?:\.gz)?$/D';
        $names = Quietly::run(function () {
            return scandir(dirname($this->path));
        });
        $files = [];
        foreach (preg_grep($pattern, $names ?: []) as $name) {
            $file = $name === basename($this->path) ? $this->path : dirname($this->path) . "/$name";
            $written = Quietly::run(static function () use ($file) {
                return filemtime($file);
            });
            if (is_int($written) && is_file($file) && $written >= $this->since - 1) {
                $files[$file] = $written;
            }
        }
        // Also one that is old or not there: its reader is to learn that it was looked at, or why not.
        $files += [$this->path => PHP_INT_MAX];
        // Where two have the same time, log.2 is older than log.1.
        uksort($files, static function (string $one, string $other) use ($files): int {
            return $files[$one] <=> $files[$other] ?: strnatcmp($other, $one);
        });
        return array_keys($files);
    }

    /** @return resource|null */
    private function open(string $file)
    {
        $isPacked = substr($file, -3) === '.gz';
        if ($isPacked && !extension_loaded('zlib')) {
            $this->unread[] = Text::clean($file) . ': PHP has no zlib here. Unpack it with gunzip';
            return null;
        }
        // A FIFO in the place of the log must not stop this process.
        if ($file !== 'php://stdin' && file_exists($file) && !is_file($file)) {
            $this->unread[] = Text::clean($file) . ': it is no file';
            return null;
        }
        $handle = Quietly::run(static function () use ($file, $isPacked) {
            return fopen(($isPacked ? 'compress.zlib://' : '') . $file, 'rb');
        });
        if ($handle === false) {
            $this->unread[] = Text::clean($file) . ': ' . Text::clean(Quietly::reason());
            return null;
        }
        if (!$isPacked && $file !== 'php://stdin') {
            fseek($handle, $this->start($handle));
            // The line in which the search ended may have begun before.
            ftell($handle) > 0 && $this->line($handle);
        }
        return $handle;
    }

    /** Where the lines since the given time begin, or a little before: a search in halves. */
    private function start($handle): int
    {
        [$low, $high] = [0, (int) (fstat($handle)['size'] ?? 0)];
        while ($high - $low > self::DISORDER) {
            $middle = intdiv($low + $high, 2);
            $time = $this->timeAt($handle, $middle);
            if ($time === null || $time >= $this->since) {
                $high = $middle;
            } else {
                $low = $middle;
            }
        }
        return max(0, $low - self::DISORDER);
    }

    /** The time of the first line of ours behind `$offset`, if there is one nearby. */
    private function timeAt($handle, int $offset): ?float
    {
        fseek($handle, $offset);
        $this->line($handle);
        while (ftell($handle) < $offset + self::NEARBY && ($line = $this->line($handle)) !== null) {
            $read = LogLine::read($line);
            if ($read !== null) {
                return $read->at;
            }
        }
        return null;
    }

    /** @return \Generator<LogLine> */
    private function linesOf($handle): \Generator
    {
        while (($line = $this->line($handle)) !== null) {
            $read = LogLine::read($line);
            if ($read !== null) {
                if ($read->at >= $this->since) {
                    yield $read;
                }
            } elseif (trim($line) !== '') {
                LogLine::isJson($line) || strpos($line, '{') === false ? $this->others++ : $this->broken++;
            }
        }
    }

    /** The next line; what is too long is cut, and so is broken. */
    private function line($handle): ?string
    {
        $line = Quietly::run(static function () use ($handle) {
            return fgets($handle, self::MAX_LINE);
        });
        if (!is_string($line)) {
            return null;
        }
        $part = $line;
        while (substr($part, -1) !== "\n" && is_string($part = fgets($handle, self::MAX_LINE))) {
            $line = substr($line, 0, self::MAX_LINE - 1);
        }
        return rtrim($line, "\r\n");
    }
}
