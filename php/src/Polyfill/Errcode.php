<?php

namespace WxToken\Polyfill;

/**
 * WeChat's error codes at its token and ticket APIs: how soon to ask again, and what to do. The sources are named in
 * the extension's core/src/wechat/errcode.rs, and a test compares the two.
 */
final class Errcode
{
    /** What was asked for: a code does not mean the same everywhere. */
    public const TOKEN = 'token';
    public const WECOM = 'wecom';
    public const TICKET = 'ticket';
    public const LOADER = 'loader';

    /** The one code after which a refresh tries again by itself. */
    public const SYSTEM_BUSY = -1;

    /** What WeChat's other APIs answer to an access token that is not, or no longer, valid. */
    public const REJECTED_TOKEN = [40001, 40014, 42001];

    /** By code, and by what was asked for; the last is for all others. */
    private const ADVICE = [
        self::SYSTEM_BUSY => ['' => 'WeChat is busy: no action is necessary'],
        40001 => [
            self::TICKET => 'Another program replaced the access token: stop it, or use the endpoint "stable"',
            self::WECOM => 'Check the corpsecret',
            '' => 'Check the AppSecret',
        ],
        40002 => [
            self::LOADER => 'The loader\'s request has an unknown grant_type',
            '' => 'Report this as a bug of wx_token, with the rid',
        ],
        40013 => [
            self::TOKEN => 'Check the appid (case-sensitive), and for WeCom set endpoint to "wecom"',
            self::WECOM => 'Check the corpid (case-sensitive)',
            '' => 'Check the appid (case-sensitive)',
        ],
        40014 => ['' => 'WeChat rejected the access token: find another program that fetches tokens for this account'],
        40091 => ['' => 'Check the corpsecret of this WeCom app'],
        40125 => ['' => 'Check the AppSecret: perhaps it was reset in WeChat\'s console'],
        40164 => ['' => 'Add {IP} to the account\'s IP whitelist'],
        40243 => ['' => 'Unfreeze the AppSecret in WeChat\'s console, and wait 10 minutes'],
        41002 => [self::LOADER => 'The loader\'s request has no appid', '' => 'The appid did not reach WeChat: check wx_token.api_base'],
        41004 => [self::LOADER => 'The loader\'s request has no secret', '' => 'The secret did not reach WeChat: check wx_token.api_base'],
        42001 => ['' => 'WeChat says that the access token has expired: check the clock of this server'],
        43002 => [
            self::LOADER => 'The loader\'s request must be a POST',
            '' => 'Something on the way changed POST to GET: check wx_token.api_base and wx_token.proxy',
        ],
        45009 => [
            '' => 'The limit of the minute or the day is reached: find another program that fetches tokens, or clear the quota in WeChat\'s console',
        ],
        45011 => ['' => 'The limit per minute is reached: find another program that fetches tokens'],
        48001 => ['' => 'This account has no permission for this API: check account type and permissions in WeChat\'s console'],
        50002 => ['' => 'The account is frozen, transferred or closed: see WeChat\'s console'],
        50004 => ['' => 'WeChat has blocked this API for the account: see the notices in WeChat\'s console'],
        50007 => ['' => 'The account is frozen: see WeChat\'s console'],
        60020 => ['' => 'Add {IP} to the trusted IPs (可信IP) of the WeCom app'],
        61004 => ['' => 'Add {IP} to the account\'s IP list'],
        61024 => ['' => 'A third-party platform manages this account: get its token from the platform with a loader'],
        89501 => ['' => 'The account\'s administrator must confirm {IP} in the message that WeChat sent'],
        89503 => ['' => 'The account\'s administrator must confirm {IP} in the message that WeChat sent'],
        89506 => ['' => 'The administrator rejected this server\'s IP twice: it is blocked for 24 hours'],
        89507 => ['' => 'The administrator rejected this server\'s IP: it is blocked for 1 hour'],
    ];

    /**
     * How soon to ask again after `$code`: the policy, and its pause in seconds.
     *
     * @return array{string, int}
     */
    public static function retryPolicy(int $code): array
    {
        switch ($code) {
            case self::SYSTEM_BUSY:
                return [Failure::BACKOFF, 0];
            case 45009:
                return [Failure::NEXT_MINUTE_THEN, 3600];
            case 45011:
                return [Failure::NEXT_MINUTE, 0];
            case 89506:
                return [Failure::ADDRESS_REFUSED, 24 * 3600];
            case 89507:
                return [Failure::ADDRESS_REFUSED, 3600];
        }
        return [Failure::ACCOUNT_REFUSED, 60];
    }

    /** What a user should do about `$code`, with the address that `$errmsg` names. */
    public static function advice(int $code, string $errmsg, string $asked): string
    {
        $byAsked = self::ADVICE[$code] ?? [];
        $advice = $byAsked[$asked] ?? $byAsked[''] ?? 'See WeChat\'s list of return codes (全局返回码)';
        $address = "this server's public IP";
        foreach (preg_split('/[\s,]+/', $errmsg) ?: [] as $word) {
            if (self::isAddress($word)) {
                $address = $word;
                break;
            }
        }
        return str_replace('{IP}', $address, $advice);
    }

    private static function isAddress(string $word): bool
    {
        return preg_match('/^[0-9a-fA-F:.]*[.:][0-9a-fA-F:.]*$/D', $word) === 1 && Quietly::run(static function () use ($word) {
            return inet_pton($word);
        }) !== false;
    }
}
