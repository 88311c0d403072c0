<?php

namespace WxToken\Polyfill;

/** Who asks, and how: what a failure may be due to. */
final class Requester
{
    /** @var string The fingerprint of the account. */
    public $account;
    /** @var string The fingerprint of addresses, proxy and trusted certificates. */
    public $route;
    /** @var string What is asked for: as in Errcode. */
    private $asked;
    /** @var array<string, string> Who and what, as the log tells it. */
    private $event;

    /** @param array<string, string> $event The members `appid` and `endpoint` of events. */
    public function __construct(string $account, string $route, string $asked, array $event)
    {
        $this->account = $account;
        $this->route = $route;
        $this->asked = $asked;
        $this->event = $event;
    }

    /** The same, of a ticket of `$kind`. */
    public function askingTicket(string $kind): self
    {
        return new self($this->account, $this->route, Errcode::TICKET, ['ticket' => $kind] + $this->event);
    }

    /** @return array<string, string> */
    public function toEvent(): array
    {
        return $this->event;
    }

    public function isLoader(): bool
    {
        return $this->asked === Errcode::LOADER;
    }

    /** What went wrong, and what to do about it: problem. Advice. */
    public function describe(FailureRecord $record): string
    {
        $isLoader = $this->isLoader();
        switch ($record->cause) {
            case Failure::API:
                $source = $isLoader ? 'the loader returned' : 'WeChat answered';
                $errmsg = $record->text === '' ? 'no errmsg' : Printable::text($record->text);
                return "$source errcode $record->errcode ($errmsg). " . Errcode::advice($record->errcode, $record->text, $this->asked);
            case Failure::STILL_REJECTED:
                $source = $isLoader ? 'the loader' : 'WeChat';
                return "$source still returns the rejected token. WeChat replaces a stable token at most every 30 s and 20 times a day";
            case Failure::STORE:
                return 'a process fetched a new token, which could not be stored: ' . Printable::text($record->text)
                    . '. The error log of that process says what to do';
        }
        return Printable::text($record->text);
    }
}
