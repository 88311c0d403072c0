<?php

namespace WxToken\Polyfill;

/** WeChat as the source of tickets: each fetch needs an access token first. */
final class TicketSource implements Source
{
    /** The path of a ticket's API at WeCom, and elsewhere, by kind. */
    private const PATHS = [
        Kind::JSAPI => ['/cgi-bin/get_jsapi_ticket?', '/cgi-bin/ticket/getticket?type=jsapi&'],
        Kind::CARD => [null, '/cgi-bin/ticket/getticket?type=wx_card&'],
        Kind::AGENT => ['/cgi-bin/ticket/get?type=agent_config&', null],
    ];

    /** @var string */
    private $kind;
    /** @var string */
    private $path;
    /** @var Call The call for the access token. */
    private $tokenCall;
    /** @var Source */
    private $tokens;
    /** @var Http */
    private $http;

    /** @throws Problem */
    public function __construct(string $kind, Account $account, float $timeout, Call $tokenCall)
    {
        $path = self::PATHS[$kind][$account->endpoint === 'wecom' ? 0 : 1];
        if ($path === null) {
            $other = $account->endpoint === 'wecom' ? Kind::AGENT : Kind::CARD;
            throw Problem::config("the ticket type \"$kind\" does not exist for endpoint \"$account->endpoint\". Use \"jsapi\" or \"$other\", or change the endpoint");
        }
        $this->kind = $kind;
        $this->path = $path;
        $this->tokenCall = $tokenCall;
        $this->tokens = new WeChat($account, $timeout);
        $this->http = new Http($account->endpoint, $timeout);
    }

    public function fetch(?string $rejected): IssuedToken
    {
        $tokens = function (): Source {
            return $this->tokens;
        };
        $token = Protocol::get($this->tokenCall, $tokens)->value;
        try {
            return $this->askWith($token);
        } catch (Failure $failure) {
            if ($failure->cause !== Failure::API || !in_array($failure->errcode, Errcode::REJECTED_TOKEN, true)) {
                throw $failure;
            }
        }
        return $this->askWith(Protocol::refreshRejected($this->tokenCall, $tokens, $token)->value);
    }

    public function requester(): Requester
    {
        return $this->tokens->requester()->askingTicket($this->kind);
    }

    public function requests(): int
    {
        return $this->http->requests;
    }

    public function overlap(): ?int
    {
        return null;
    }

    private function askWith(string $token): IssuedToken
    {
        $path = $this->path . http_build_query(['access_token' => $token], '', '&');
        return $this->http->ask($path, null, 'ticket', $token, $this->http->deadline());
    }
}
