<?php

namespace WxToken\Polyfill;

/**
 * The log of refreshes, as the extension writes it: one line of JSON for each event, in a file that is opened for each,
 * or in the system's log. It shows neither secrets nor tokens. What cannot be written is lost, and costs no caller its
 * token.
 */
final class Log
{
    /** From the most severe on, as syslog(3) numbers them. */
    public const LEVELS = ['error' => 3, 'warning' => 4, 'notice' => 5, 'info' => 6];

    public const SYSLOG = 'syslog';

    private const EVENTS = [
        'refreshed' => 'notice', 'stored' => 'notice', 'failed' => 'error', 'not_stored' => 'error', 'rejected' => 'warning',
        'displaced' => 'warning', 'interrupted' => 'warning', 'lock_timeout' => 'error', 'waited' => 'info',
    ];

    /** The members that an event may have between its file and its process, in their order. */
    private const MEMBERS = [
        'ticket', 'appid', 'endpoint', 'requests', 'fetch_ms', 'waited_ms', 'errcode', 'message', 'retry_at', 'failures', 'old', 'new',
        'expires_at', 'holder_pid',
    ];

    /** The longest texts of a line, in bytes: with them, it is no longer than a pipe takes at once. */
    private const MAX_FILE = 1000;
    private const MAX_NAME = 128;
    private const MAX_MESSAGE = 1500;
    private const MAX_SCRIPT = 400;

    /** A new log file: its owner writes it, and its group reads it. */
    private const MODE = 0640;

    /** The end of the year 9999, the last that has four digits. */
    private const LAST = 253402300799000;

    /** The socket of the system's log, and LOG_USER, both of syslog(3). */
    private const SOCKET = '/dev/log';
    private const FACILITY = 1;

    /** @var string|null Why this process could not write its last event. */
    private static $lastProblem;

    /** @var array<string, true> What the error log was told. */
    private static $told = [];

    /** Whether an event of this name is written. */
    public static function takes(string $event): bool
    {
        $settings = Settings::current();
        return $settings->log !== '' && self::LEVELS[self::EVENTS[$event]] <= self::LEVELS[$settings->logLevel];
    }

    /** Writes what happened to `$file` at `$at`, if the log takes it. Members that are null are left out. */
    public static function write(string $event, string $file, int $at, array $members): void
    {
        if (!self::takes($event)) {
            return;
        }
        $level = self::EVENTS[$event];
        $line = ['time' => self::time($at), 'event' => $event, 'level' => $level, 'file' => self::cut($file, self::MAX_FILE)];
        foreach (self::MEMBERS as $name) {
            $line[$name] = $members[$name] ?? null;
        }
        $script = self::script();
        $line += ['host' => self::host(), 'pid' => getmypid(), 'sapi' => PHP_SAPI, 'script' => $script === null ? null : self::cut($script, self::MAX_SCRIPT)];
        $line = array_filter($line, static function ($value): bool {
            return $value !== null;
        });
        $json = json_encode($line, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS);
        $place = Settings::current()->log;
        self::$lastProblem = $place === self::SYSLOG ? self::send($level, $json) : self::append($place, "$json\n", $file);
        if (self::$lastProblem !== null && !isset(self::$told[self::$lastProblem])) {
            self::$told[self::$lastProblem] = true;
            error_log('wx_token: wx_token.log: ' . self::$lastProblem);
        }
    }

    /** What wx_token_status() says of it. */
    public static function status(): ?array
    {
        $place = Settings::current()->log;
        if ($place === '') {
            return null;
        }
        $problem = $place === self::SYSLOG ? self::findProblemOfSocket() : self::findProblem($place);
        return ['place' => Printable::text($place), 'error' => $problem ?? self::$lastProblem];
    }

    /** A moment as RFC 3339 has it, in UTC. */
    public static function time(int $moment): string
    {
        $moment = max(0, min($moment, self::LAST));
        return gmdate('Y-m-d\TH:i:s', intdiv($moment, 1000)) . sprintf('.%03dZ', $moment % 1000);
    }

    /** Tells a token without telling what it is. */
    public static function fingerprint(string $token): string
    {
        return substr(Fingerprint::of($token), 0, 8);
    }

    /** What went wrong, in one line. */
    public static function message(string $text): string
    {
        return self::cut($text, self::MAX_MESSAGE);
    }

    /** A name from outside, in one line. */
    public static function name(string $text): string
    {
        return self::cut($text, self::MAX_NAME);
    }

    /** `$text` in one line, cut where it is longer than `$maxBytes` in JSON. What is cut ends in "…". */
    private static function cut(string $text, int $maxBytes): string
    {
        $text = Printable::text($text);
        if (strlen($text) + substr_count($text, '"') + substr_count($text, '\\') <= $maxBytes) {
            return $text;
        }
        [$kept, $left] = ['', $maxBytes - strlen('…')];
        preg_match_all('/./us', $text, $chars);
        foreach ($chars[0] as $char) {
            $left -= $char === '"' || $char === '\\' ? 2 : strlen($char);
            if ($left < 0) {
                break;
            }
            $kept .= $char;
        }
        return $kept . '…';
    }

    /** The name of this machine, as uname(2) has it. Some hosts have disabled the function. */
    private static function host(): ?string
    {
        return function_exists('php_uname') ? self::name(php_uname('n')) : null;
    }

    /** The path of the script, if it has one. */
    private static function script(): ?string
    {
        $script = $_SERVER['SCRIPT_FILENAME'] ?? '';
        if (!is_string($script) || $script === '') {
            return null;
        }
        if (Path::isAbsolute($script)) {
            return $script;
        }
        // It is below the directory in which PHP was started, which PHP code may have left.
        foreach (get_included_files() as $file) {
            if (basename($file) === basename($script)) {
                return $file;
            }
        }
        return Path::absolute($script);
    }

    /** Appends `$line` at once and whole, or not at all. Returns why it cannot. */
    private static function append(string $path, string $line, string $tokenFile): ?string
    {
        $handle = self::open($path, $tokenFile, $reason);
        if ($handle === false) {
            return self::problem($path, (string) $reason);
        }
        $written = (int) Quietly::run(static function () use ($handle, $line) {
            return fwrite($handle, $line);
        });
        $reason = Quietly::reason();
        if ($written > 0 && $written < strlen($line)) {
            // The disk is full. Half a line would spoil the next one; nobody else has appended if the file ends here.
            $reason = 'No space left on device';
            $size = fstat($handle)['size'];
            Quietly::run(static function () use ($handle, $size, $written) {
                return ftell($handle) === $size && ftruncate($handle, $size - $written);
            });
        }
        fclose($handle);
        if ($written === strlen($line)) {
            return null;
        }
        // PHP says nothing of a pipe that is full.
        return self::problem($path, $reason === '' ? 'Resource temporarily unavailable' : $reason);
    }

    /**
     * Opens the log for one event. A missing one is created; by root, for the owner of the token file, whose other processes
     * are to write it, too. A link that leads nowhere is not followed: who may write the directory would choose what root
     * creates.
     *
     * @return resource|false
     */
    private static function open(string $path, string $tokenFile, ?string &$reason)
    {
        // Each attempt ends, but where others create and remove the log all the time.
        for ($attempt = 0; $attempt < 3; $attempt++) {
            $handle = self::openExisting($path, $reason);
            if ($handle !== null) {
                return $handle;
            }
            $handle = self::create($path, $reason);
            if ($handle !== null) {
                $handle === false || self::giveTo($tokenFile, $path, $handle);
                return $handle;
            }
        }
        // open(2) of a link that leads nowhere, without O_CREAT.
        $reason = 'No such file or directory';
        return false;
    }

    /**
     * Opens the log to append; null if it is missing. A FIFO does not block.
     *
     * @return resource|false|null
     */
    private static function openExisting(string $path, ?string &$reason)
    {
        clearstatcache();
        $handle = Quietly::run(static function () use ($path) {
            $there = file_exists($path) ? stat($path) : false;
            if ($there === false) {
                return null;
            }
            $handle = fopen($path, 'abne');
            // The mode creates what is gone by now, perhaps at the end of a link: that one is not written.
            return $handle === false || Path::isWindows() || self::isSame($there, fstat($handle)) ? $handle : null;
        });
        $reason = Quietly::reason();
        return $handle;
    }

    /**
     * Creates the log; null if there is something of its name.
     *
     * @return resource|false|null
     */
    private static function create(string $path, ?string &$reason)
    {
        $umask = umask(0777 & ~self::MODE);
        try {
            $handle = Quietly::run(static function () use ($path) {
                clearstatcache();
                // O_EXCL alone does not keep PHP from following a link: it resolves the path itself before it opens it.
                $handle = is_link($path) ? null : fopen($path, 'xbne');
                return $handle === null || $handle === false || Path::isWindows() || self::isSame(lstat($path), fstat($handle)) ? $handle : null;
            });
        } finally {
            umask($umask);
        }
        $reason = Quietly::reason();
        return $handle === false && $reason === 'File exists' ? null : $handle;
    }

    /** Makes the owner of the token file that of a log that root has created. */
    private static function giveTo(string $tokenFile, string $path, $handle): void
    {
        if (Path::isWindows() || !function_exists('lchown') || !function_exists('lchgrp')) {
            return;
        }
        Quietly::run(static function () use ($tokenFile, $path, $handle) {
            clearstatcache();
            // PHP has no fchown(): by its path, another file may be there already.
            if (fstat($handle)['uid'] === 0 && file_exists($tokenFile) && self::isSame(lstat($path), fstat($handle))) {
                lchown($path, fileowner($tokenFile));
                lchgrp($path, filegroup($tokenFile));
            }
        });
    }

    /** @param array|false $one */
    private static function isSame($one, array $other): bool
    {
        return $one !== false && $one['dev'] === $other['dev'] && $one['ino'] === $other['ino'];
    }

    private static function problem(string $path, string $reason): string
    {
        // open(2): of a FIFO that is opened to write.
        if ($reason === 'No such device or address') {
            return 'cannot write ' . Printable::text($path) . ': it is a pipe, and no process reads it. Start that process, or log to a file';
        }
        return FileProblem::of($path, file_exists($path) ? 'write' : 'create', $reason)->getMessage();
    }

    /** Why events cannot be written, as far as that can be told without one: a log that is missing is not created. */
    private static function findProblem(string $path): ?string
    {
        $handle = self::openExisting($path, $reason);
        if ($handle === null) {
            $reason = Quietly::run(static function () use ($path): ?string {
                $directory = dirname($path);
                return is_writable($directory) && is_dir($directory) ? null : (file_exists($directory) ? 'Permission denied' : 'No such file or directory');
            });
        } elseif ($handle !== false) {
            $reason = null;
        }
        return $reason === null ? null : self::problem($path, $reason);
    }

    /** Sends `$json` as a message of the local syslog protocol. PHP's syslog() would take the name and options of the site's. */
    private static function send(string $level, string $json): ?string
    {
        $message = '<' . (self::FACILITY << 3 | self::LEVELS[$level]) . '>wx_token[' . getmypid() . "]: $json";
        $socket = self::connect($reason);
        if ($socket === false) {
            return self::noSyslog((string) $reason);
        }
        stream_set_blocking($socket, false);
        $written = Quietly::run(static function () use ($socket, $message) {
            return fwrite($socket, $message);
        });
        $reason = Quietly::reason();
        fclose($socket);
        return $written === strlen($message) ? null : self::noSyslog($reason);
    }

    private static function findProblemOfSocket(): ?string
    {
        $socket = self::connect($reason);
        return $socket === false ? self::noSyslog((string) $reason) : null;
    }

    private static function noSyslog(string $reason): string
    {
        if (preg_match('/No such file|Connection refused/', $reason) === 1) {
            $reason = "no program receives the system's log there";
        } elseif ($reason === '' || strpos($reason, 'temporarily unavailable') !== false) {
            $reason = "the system's log takes no more at the moment";
        }
        return 'cannot write ' . self::SOCKET . ": $reason. Start rsyslog or systemd-journald, or log to a file";
    }

    /** @return resource|false */
    private static function connect(?string &$reason)
    {
        return Quietly::run(static function () use (&$reason) {
            return stream_socket_client('udg://' . self::SOCKET, $errno, $reason);
        });
    }
}
