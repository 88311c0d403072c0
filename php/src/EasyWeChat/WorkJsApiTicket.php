<?php
declare(strict_types=1);

namespace WxToken\EasyWeChat;

use EasyWeChat\Work\JsApiTicket;

/**
 * EasyWeChat 6's tickets of a WeCom application over ticket files. The signatures stay the library's:
 *
 *     $app->setTicket(new WorkJsApiTicket('/var/www/data/jsapi.json', '/var/www/data/agent.json',
 *         '/var/www/data/token.json', ['corpid' => …, 'corpsecret' => …]));
 *
 * It does not call the constructor of its parent, which would make a cache and an HTTP client.
 */
final class WorkJsApiTicket extends JsApiTicket
{
    /** @param array{corpid: string, corpsecret: string} $account As for wx_get_ticket(). */
    public function __construct(
        private string $ticketFile,
        private string $agentTicketFile,
        private string $tokenFile,
        #[\SensitiveParameter] private array $account,
    ) {
        $this->corpId = $account['corpid'];
    }

    public function getTicket(): string
    {
        return \wx_get_ticket($this->ticketFile, $this->tokenFile, 'jsapi', $this->account);
    }

    /** The secret belongs to one application, and so does the ticket: WeChat does not ask for its number. */
    public function getAgentTicket(int $agentId): string
    {
        return \wx_get_ticket($this->agentTicketFile, $this->tokenFile, 'agent_config', $this->account);
    }
}
