<?php

namespace WxToken\Polyfill;

/** The processes that hold the lock of a file, as `/proc/locks` names them (proc_locks(5)); none without it. */
final class LockHolder
{
    private const LINE = '/^\d+: FLOCK +ADVISORY +\w+ +(\d+) +([0-9a-f]+:[0-9a-f]+):(\d+) /m';

    /**
     * The processes with a flock() on the file with the id `$id`.
     *
     * @return int[]
     */
    public static function all(string $id): array
    {
        [$device, $inode] = explode(':', $id);
        // The table changes while it is read, and a line may then be missing.
        for ($tries = 0; $tries < 3; $tries++) {
            $table = Quietly::run(static function () {
                return file_get_contents('/proc/locks');
            });
            preg_match_all(self::LINE, (string) $table, $lines, PREG_SET_ORDER);
            $lines = array_filter($lines, static function (array $line) use ($inode): bool {
                return $line[3] === $inode && $line[1] !== '0';
            });
            $onDevice = array_filter($lines, static function (array $line) use ($device): bool {
                return $line[2] === self::device((int) $device);
            });
            // Stacked file systems show another device here than stat(2) does.
            $lines = $onDevice === [] ? $lines : $onDevice;
            if ($lines !== []) {
                return array_map('intval', array_values(array_column($lines, 1)));
            }
        }
        return [];
    }

    public static function name(?int $pid): string
    {
        if ($pid === null) {
            return 'another process (the system does not say which)';
        }
        $comm = Quietly::run(static function () use ($pid) {
            return file_get_contents("/proc/$pid/comm");
        });
        return "process $pid" . (is_string($comm) ? ' (' . Printable::text(preg_replace('/\n$/D', '', $comm)) . ')' : '');
    }

    private static function device(int $number): string
    {
        $major = $number >> 8 & 0xfff | $number >> 32 & ~0xfff;
        $minor = $number & 0xff | $number >> 12 & ~0xff;
        return sprintf('%02x:%02x', $major, $minor);
    }
}
