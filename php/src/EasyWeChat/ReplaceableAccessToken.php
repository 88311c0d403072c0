<?php
declare(strict_types=1);

namespace WxToken\EasyWeChat;

use EasyWeChat\Kernel\Contracts\RefreshableAccessToken;

/** An access token that HealingClient can replace when WeChat rejects it. */
interface ReplaceableAccessToken extends RefreshableAccessToken
{
    /** Whether this object returned `$token` lately, so that a request with it is one of this account. */
    public function handedOut(#[\SensitiveParameter] string $token): bool;

    /**
     * Replaces a token that WeChat rejected, once for all processes, and returns the one that is valid.
     *
     * @throws \WxToken\Exception As wx_refresh_token().
     */
    public function replace(#[\SensitiveParameter] string $rejected): string;
}
