<?php
declare(strict_types=1);

namespace WxToken\EasyWeChat;

use EasyWeChat\Kernel\Contracts\RefreshableJsApiTicket;
use WxToken\JsSdk;

/**
 * EasyWeChat 6's ticket of an official account over a ticket file:
 *
 *     $app->setTicket(new JsApiTicket('/var/www/data/ticket.json', '/var/www/data/token.json', ['appid' => …, 'secret' => …]));
 */
final class JsApiTicket implements RefreshableJsApiTicket
{
    /** @param array<string, mixed>|null $source As for wx_get_ticket(). */
    public function __construct(
        private string $ticketFile,
        private string $tokenFile,
        #[\SensitiveParameter] private ?array $source = null,
    ) {
    }

    public function getTicket(): string
    {
        return \wx_get_ticket($this->ticketFile, $this->tokenFile, 'jsapi', $this->source);
    }

    /** The ticket is refreshed when it is due. WeChat's servers never see it, so they reject none. */
    public function refreshTicket(): string
    {
        return $this->getTicket();
    }

    /** @return array{url: string, nonceStr: string, timestamp: int, appId: string, signature: string} */
    public function configSignature(string $url, string $nonce, int $timestamp): array
    {
        return [
            'url' => $url,
            'nonceStr' => $nonce,
            'timestamp' => $timestamp,
            'appId' => JsSdk::appId($this->ticketFile, $this->source),
            'signature' => JsSdk::signature($this->getTicket(), $nonce, $timestamp, $url),
        ];
    }
}
