<?php
declare(strict_types=1);

use EasyWeChat\BasicService\Jssdk\Client;
use EasyWeChat\Kernel\ServiceContainer;

/**
 * The JS-SDK service of EasyWeChat 4 and 5 over a ticket file. The signature stays the library's:
 *
 *     $app->rebind('jssdk', new FileJssdk($app, '/var/www/data/ticket.json', '/var/www/data/access_token.json', $account));
 */
final class FileJssdk extends Client
{
    /** @param array<string, mixed>|null $account As for wx_get_ticket(). */
    public function __construct(
        ServiceContainer $app,
        private string $ticketFile,
        private string $tokenFile,
        #[\SensitiveParameter] private ?array $account = null,
    ) {
        parent::__construct($app);
    }

    /** The extension refreshes the ticket when it is due: $refresh has no meaning here. */
    public function getTicket(bool $refresh = false, string $type = 'jsapi'): array
    {
        if ($type !== 'jsapi') {    // A file holds one ticket.
            return parent::getTicket($refresh, $type);
        }
        return ['ticket' => wx_get_ticket($this->ticketFile, $this->tokenFile, $type, $this->account)];
    }
}
