<?php
declare(strict_types=1);

use EasyWeChat\OfficialAccount\JsApiTicket;

/**
 * EasyWeChat 6's ticket of an official account over a ticket file. The signature stays the library's:
 *
 *     $app->setTicket(new FileJsApiTicket('/var/www/data/ticket.json', '/var/www/data/token.json', ['appid' => …, 'secret' => …]));
 *
 * It does not call the constructor of its parent, which would make a cache and an HTTP client.
 */
final class FileJsApiTicket extends JsApiTicket
{
    /** @param array{appid: string, secret: string} $account As for wx_get_ticket(). */
    public function __construct(
        private string $ticketFile,
        private string $tokenFile,
        #[\SensitiveParameter] private array $account,
    ) {
        $this->appId = $account['appid'];
    }

    public function getTicket(): string
    {
        return wx_get_ticket($this->ticketFile, $this->tokenFile, 'jsapi', $this->account);
    }

    /** The extension refreshes the ticket when it is due. WeChat's servers never see it, so they reject none. */
    public function refreshTicket(): string
    {
        return $this->getTicket();
    }
}
