<?php

/**
 * What the extension wx_token adds to PHP, for IDEs and static analysis.
 *
 * This file is never loaded beside the extension. A test holds it against the loaded extension, so
 * it is true of it.
 */

namespace {
    /**
     * Returns the valid access token of a token file, refreshed first if need be.
     *
     * A valid token is returned at once, without a lock. If there is none, exactly one of all
     * callers, in whatever process, asks WeChat; the others wait for it and share what it gets: the
     * token, or the failure.
     *
     * The token file is `{"access_token":"…","expire":seconds}`. It is made if it is missing, and
     * repaired if it is empty or torn. Other keys in it are kept. A file that is something else is
     * never overwritten.
     *
     * @param string $file The token file: a path on this machine.
     * @param array{
     *     appid?: non-empty-string,
     *     secret?: non-empty-string,
     *     endpoint?: 'stable'|'classic',
     *     lock_timeout?: int|float|numeric-string,
     *     timeout?: int|float|numeric-string,
     * }|callable|null $source Where a token comes from: account options (times in seconds), or null
     *     for the account of the settings or the environment. Callables are not supported yet.
     *
     * @return non-empty-string
     *
     * @throws WxToken\ApiException     WeChat refused, now or when it was last asked.
     * @throws WxToken\NetworkException WeChat gave no usable answer.
     * @throws WxToken\LockException    The lock was not had within `lock_timeout`.
     * @throws WxToken\FileException    The file cannot be used. It is as it was.
     * @throws WxToken\ConfigException  There is no account, or a setting cannot be used.
     * @throws TypeError|ValueError     An argument is invalid.
     */
    function wx_get_token(string $file, #[\SensitiveParameter] array|callable|null $source = null): string {}

    /**
     * Describes a token file without locking it and without asking WeChat. Never tells a token or a
     * secret.
     *
     * - `state`: `fresh`, `expired` (or without a token), `damaged` (torn, or all NUL bytes),
     *   `missing`, or `unusable` (see `error`)
     * - `layout`: how the file spells token and expiry
     * - `expires_at`: Unix time in seconds; `expires_in`: seconds until then, negative afterwards
     * - `failure`: the last failed refresh; nobody asks WeChat again before `retry_at` (Unix time)
     * - `locked`, `holder_pid`: whether some process holds the file's lock, and which
     *
     * @param string $file The token file: a path on this machine.
     *
     * @return array{
     *     file: string,
     *     exists: bool,
     *     state: 'fresh'|'expired'|'damaged'|'missing'|'unusable',
     *     layout: ?string,
     *     expires_at: ?int,
     *     expires_in: ?int,
     *     failure: ?array{errcode: ?int, message: string, failed_at: int, retry_at: int, failures: int},
     *     locked: bool,
     *     holder_pid: ?int,
     *     error: ?string,
     * }
     *
     * @throws WxToken\FileException `open_basedir` bars the file.
     * @throws TypeError|ValueError  The argument is invalid.
     */
    function wx_token_status(string $file): array {}
}

namespace WxToken {
    /** What all failures of this extension have in common. */
    class Exception extends \RuntimeException
    {
        /** The token file of the call, as an absolute path. */
        public string $tokenFile = '';
    }

    /** WeChat answered with an error code: the exception's code. */
    class ApiException extends Exception
    {
        /** WeChat's own message. */
        public string $errmsg = '';

        /** Nobody asks WeChat again before this moment: Unix time in seconds. */
        public int $retryAt = 0;
    }

    /** WeChat gave no usable answer: name lookup, TLS, connection, time limit, HTTP status, not JSON. */
    class NetworkException extends Exception
    {
        /** Nobody asks WeChat again before this moment: Unix time in seconds. */
        public int $retryAt = 0;
    }

    /** The lock of the token file was not had in time. */
    class LockException extends Exception
    {
        /** The process that holds the lock; null if the system does not tell. */
        public ?int $holderPid = null;
    }

    /** The token file cannot be read or written, or is not a token file. */
    class FileException extends Exception {}

    /** There is no account, or a setting or the accounts file cannot be used. */
    class ConfigException extends Exception {}
}
