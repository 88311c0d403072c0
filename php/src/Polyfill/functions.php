<?php

/*
 * The functions of the extension. Their documentation is stubs/wx_token.stub.php; where these do less, README.md says so.
 * An attribute alone on its line is a comment to PHP 7.
 */

use WxToken\Polyfill\Calls;
use WxToken\Polyfill\Problem;

use function WxToken\Polyfill\first_look;

/**
 * Returns the valid access token of a token file. Refreshes it first if necessary.
 *
 * @param array<string, mixed>|callable|null $source Options, or a loader.
 */
function wx_get_token(
    string $file,
    #[\SensitiveParameter]
    $source = null
): string {
    try {
        return first_look($file, $source) ?? Calls::getToken($file, $source);
    } catch (Throwable $thrown) {
        throw Problem::leaving($thrown, __FUNCTION__, $file);
    }
}

/**
 * Returns the valid access token of a token file, or null while another process refreshes it. Unlike the extension, it
 * refreshes by itself where nobody else does, and then takes as long as that takes.
 *
 * @param array<string, mixed>|null $source Account options.
 */
function wx_try_token(
    string $file,
    #[\SensitiveParameter]
    ?array $source = null
): ?string {
    try {
        return Calls::tryToken($file, $source);
    } catch (Throwable $thrown) {
        throw Problem::leaving($thrown, __FUNCTION__, $file);
    }
}

/**
 * Replaces an access token that WeChat's APIs rejected, once for all callers.
 *
 * @param array<string, mixed>|callable|null $source Options, or a loader.
 */
function wx_refresh_token(
    string $file,
    #[\SensitiveParameter]
    string $rejected,
    #[\SensitiveParameter]
    $source = null
): string {
    try {
        return Calls::refreshToken($file, $rejected, $source);
    } catch (Throwable $thrown) {
        throw Problem::leaving($thrown, __FUNCTION__, $file);
    }
}

/**
 * Returns the valid ticket of a ticket file. It is fetched with the access token of `$tokenFile`.
 *
 * @param string $type "jsapi", "wx_card", or WeCom's "agent_config"
 * @param array<string, mixed>|null $source Account options.
 */
function wx_get_ticket(
    string $ticketFile,
    string $tokenFile,
    string $type = 'jsapi',
    #[\SensitiveParameter]
    ?array $source = null
): string {
    try {
        return Calls::getTicket($ticketFile, $tokenFile, $type, $source);
    } catch (Throwable $thrown) {
        throw Problem::leaving($thrown, __FUNCTION__, $ticketFile);
    }
}

/**
 * Describes the file of a token or ticket without a lock and without a fetch.
 *
 * @param array<string, mixed>|null $source The options of the calls on this file.
 *
 * @return array<string, mixed>
 */
function wx_token_status(
    string $file,
    #[\SensitiveParameter]
    ?array $source = null
): array {
    try {
        return Calls::tokenStatus($file, $source);
    } catch (Throwable $thrown) {
        throw Problem::leaving($thrown, __FUNCTION__, $file);
    }
}

/**
 * Runs a callable while holding the lock of a file, and returns its result.
 *
 * @return mixed
 */
function wx_with_lock(string $file, callable $critical, ?float $timeout = null)
{
    try {
        return Calls::withLock($file, $critical, $timeout);
    } catch (Throwable $thrown) {
        throw Problem::leaving($thrown, __FUNCTION__, $file);
    }
}
