<?php
declare(strict_types=1);

namespace WxToken;

/**
 * What a page of yours passes to wx.config() and wx.agentConfig() of WeChat's JS-SDK. The ticket comes from a
 * ticket file:
 *
 *     $config = WxToken\JsSdk::config($url, '/var/www/data/ticket.json', '/var/www/data/token.json');
 *     echo '<script>wx.config(', json_encode($config + ['jsApiList' => ['scanQRCode']]), ')</script>';
 *
 * WeChat compares the signed URL with that of the page, byte for byte. So the URL is never rewritten: only what
 * follows a `#` is left out, as WeChat demands. PHP cannot always know the URL (a proxy, a rewrite rule): a page
 * that passes `location.href.split('#')[0]` is never wrong.
 *
 * @see https://developer.work.weixin.qq.com/document/path/96909 Signatures, with WeChat's own example.
 */
final class JsSdk
{
    /**
     * What wx.config() needs, for official accounts and for WeCom. `jsApiList` and `debug` are yours to add.
     *
     * @param string $url The page, as the browser shows it.
     * @param string $ticketFile As for wx_get_ticket().
     * @param string $tokenFile As for wx_get_ticket().
     * @param array<string, mixed>|null $source As for wx_get_ticket().
     *
     * @return array{appId: string, timestamp: int, nonceStr: string, signature: string}
     *
     * @throws \InvalidArgumentException The URL is not that of a page.
     * @throws ConfigException There is no appid.
     * @throws Exception As wx_get_ticket().
     */
    public static function config(
        string $url,
        string $ticketFile,
        string $tokenFile,
        #[\SensitiveParameter]
        ?array $source = null
    ): array {
        $page = self::page($url);
        $appId = self::appId($ticketFile, $source);
        return ['appId' => $appId] + self::sign(\wx_get_ticket($ticketFile, $tokenFile, 'jsapi', $source), $page);
    }

    /**
     * What wx.agentConfig() of a WeCom application needs. The ticket is another one than that of config(): give
     * it a file of its own.
     *
     * @param array<string, mixed> $source As for wx_get_ticket(), with `corpid`.
     *
     * @return array{corpid: string, agentid: int, timestamp: int, nonceStr: string, signature: string}
     *
     * @throws \InvalidArgumentException The URL is not that of a page.
     * @throws ConfigException There is no corpid.
     * @throws Exception As wx_get_ticket().
     */
    public static function agentConfig(
        string $url,
        int $agentId,
        string $ticketFile,
        string $tokenFile,
        #[\SensitiveParameter]
        array $source
    ): array {
        $page = self::page($url);
        $corpId = $source['corpid'] ?? null;
        if (!is_string($corpId) || $corpId === '') {
            throw self::withoutAccount($ticketFile, 'corpid');
        }
        $ticket = \wx_get_ticket($ticketFile, $tokenFile, 'agent_config', $source);
        return ['corpid' => $corpId, 'agentid' => $agentId] + self::sign($ticket, $page);
    }

    /**
     * The signature alone.
     *
     * @param int $timestamp Unix time in seconds.
     *
     * @throws \InvalidArgumentException The URL is not that of a page.
     */
    public static function signature(
        #[\SensitiveParameter]
        string $ticket,
        string $nonce,
        int $timestamp,
        string $url
    ): string {
        $page = self::page($url);
        return sha1("jsapi_ticket=$ticket&noncestr=$nonce&timestamp=$timestamp&url=$page");
    }

    /**
     * The AppID of the account: that of `$source`, of the settings or of the environment.
     *
     * @internal
     *
     * @param array<string, mixed>|null $source
     */
    public static function appId(
        string $ticketFile,
        #[\SensitiveParameter]
        ?array $source
    ): string {
        // php.ini's lines reach ini_get() with the extension, and get_cfg_var() without it.
        $appId = $source['appid'] ?? $source['corpid']
            ?? (ini_get('wx_token.appid') ?: get_cfg_var('wx_token.appid') ?: getenv('WX_APPID'));
        if (!is_string($appId) || $appId === '') {
            throw self::withoutAccount($ticketFile, 'appid');
        }
        return $appId;
    }

    /** @return array{timestamp: int, nonceStr: string, signature: string} */
    private static function sign(
        #[\SensitiveParameter]
        string $ticket,
        string $page
    ): array {
        $nonce = bin2hex(random_bytes(8));
        $timestamp = time();
        return [
            'timestamp' => $timestamp,
            'nonceStr' => $nonce,
            'signature' => self::signature($ticket, $nonce, $timestamp, $page),
        ];
    }

    /** The URL of a page without its fragment. */
    private static function page(string $url): string
    {
        $page = explode('#', $url, 2)[0];
        if ($page === '') {
            throw self::noPage($url, 'it is empty');
        }
        if (preg_match('/[^\x21-\x7e]/', $page)) {
            throw self::noPage($url, 'it has a space or a character that a browser would encode');
        }
        $parts = parse_url($page);
        if ($parts === false || !isset($parts['scheme'], $parts['host'])) {
            throw self::noPage($url, 'it has no scheme and host');
        }
        if (!in_array(strtolower($parts['scheme']), ['http', 'https'], true)) {
            throw self::noPage($url, 'it is neither http nor https');
        }
        return $page;
    }

    private static function noPage(string $url, string $reason): \InvalidArgumentException
    {
        return new \InvalidArgumentException(
            "cannot sign \"$url\": $reason. Pass the URL of the page as the browser has it in location.href"
        );
    }

    private static function withoutAccount(string $ticketFile, string $key): ConfigException
    {
        $error = new ConfigException("cannot sign for $ticketFile: there is no $key. Pass it: ['$key' => '…']");
        $error->tokenFile = $ticketFile;
        return $error;
    }
}
