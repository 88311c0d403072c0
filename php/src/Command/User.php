<?php

namespace WxToken\Command;

use WxToken\Polyfill\Quietly;

/** A user of the system, and what it may do with a file. */
final class User
{
    /** @var string */
    public $name;
    /** @var int */
    public $uid;
    /** @var int[] The first is its own. */
    public $gids;
    /** @var Machine */
    private $machine;
    /** @var bool Whether a process of this user can be started to try it. */
    private $canTry;

    private function __construct(Machine $machine, string $name, int $uid, array $gids)
    {
        [$this->machine, $this->name, $this->uid, $this->gids] = [$machine, $name, $uid, $gids];
        $this->canTry = $machine->root === '' && (Machine::run($this->as(['true']), 5.0)[0] ?? 1) === 0;
    }

    /** The user of that name or number; null if there is none. */
    public static function find(Machine $machine, string $name): ?self
    {
        foreach (explode("\n", (string) $machine->read('/etc/passwd')) as $line) {
            $fields = explode(':', $line);
            if (count($fields) >= 4 && ($fields[0] === $name || $fields[2] === $name)) {
                $gids = [(int) $fields[3]];
                foreach (explode("\n", (string) $machine->read('/etc/group')) as $group) {
                    $parts = explode(':', $group);
                    if (in_array($fields[0], explode(',', $parts[3] ?? ''), true)) {
                        $gids[] = (int) $parts[2];
                    }
                }
                return new self($machine, $fields[0], (int) $fields[2], $gids);
            }
        }
        return null;
    }

    /** How it was found out: by a process of the user, or by the permission bits alone. */
    public function isExact(): bool
    {
        return $this->canTry;
    }

    /** @param string $right "r", "w" or "x", or several. */
    public function may(string $right, string $path): bool
    {
        if ($this->canTry) {
            foreach (str_split($right) as $one) {
                if ((Machine::run($this->as(['test', "-$one", $path]), 5.0)[0] ?? 1) !== 0) {
                    return false;
                }
            }
            return true;
        }
        return self::bitsAllow($this->uid, $this->gids, $right, $path);
    }

    /** Whether this user, who may write to `$directory`, may rename another file to `$file`: in a sticky one, owners may. */
    public function mayReplaceIn(string $directory, string $file): bool
    {
        clearstatcache();
        return (fileperms($directory) & 01000) === 0 || in_array($this->uid, [0, fileowner($directory), fileowner($file)], true);
    }

    /** The first directory on the way to `$path` that this user may not enter. */
    public function stoppedAt(string $path): ?string
    {
        $directory = '';
        foreach (explode('/', trim(dirname($path), '/')) as $name) {
            $directory .= "/$name";
            if (!$this->may('x', $directory)) {
                return $directory;
            }
        }
        return null;
    }

    /** @param int[] $gids */
    public static function bitsAllow(int $uid, array $gids, string $right, string $path): bool
    {
        $stat = Quietly::run(static function () use ($path) {
            return stat($path);
        });
        if ($stat === false) {
            return false;
        }
        if ($uid === 0) {
            return $right !== 'x' || is_dir($path) || ($stat['mode'] & 0111) !== 0;
        }
        $shift = $stat['uid'] === $uid ? 6 : (in_array($stat['gid'], $gids, true) ? 3 : 0);
        foreach (str_split($right) as $one) {
            if (($stat['mode'] >> $shift & ['r' => 4, 'w' => 2, 'x' => 1][$one]) === 0) {
                return false;
            }
        }
        return true;
    }

    /** @param string[] $command */
    private function as(array $command): array
    {
        preg_match('/^Uid:\s+\d+\s+(\d+)/m', (string) $this->machine->read('/proc/self/status'), $own);
        if ((int) ($own[1] ?? -1) === $this->uid) {
            return $command;
        }
        // ACLs and security modules count in a process of the user only.
        return array_merge(['setpriv', "--reuid={$this->uid}", "--regid={$this->gids[0]}", '--init-groups', '--'], $command);
    }
}
