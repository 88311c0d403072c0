<?php

namespace WxToken\Polyfill;

/** WeChat as a source of access tokens. */
final class WeChat implements Source
{
    /** How long a classic token works once there is a newer one, less a margin for its last use: four minutes. */
    private const OVERLAP = 240000;

    /** @var Account */
    private $account;
    /** @var Http */
    private $http;

    public function __construct(Account $account, float $timeout)
    {
        $this->account = $account;
        $this->http = new Http($account->endpoint, $timeout);
    }

    public function fetch(?string $rejected): IssuedToken
    {
        $deadline = $this->http->deadline();
        $issued = $this->ask(false, $deadline);
        // Forcing invalidates the token that others have: only if WeChat itself still returns the rejected one.
        $isForced = $issued->value === $rejected && $this->account->endpoint === 'stable';
        return $isForced ? $this->ask(true, $deadline) : $issued;
    }

    public function requester(): Requester
    {
        $asked = $this->account->endpoint === 'wecom' ? Errcode::WECOM : Errcode::TOKEN;
        $account = Fingerprint::of($this->account->id, $this->account->secret, $this->account->endpoint);
        $event = ['appid' => Log::name($this->account->id), 'endpoint' => $this->account->endpoint];
        return new Requester($account, $this->http->route($this->account->secret), $asked, $event);
    }

    public function requests(): int
    {
        return $this->http->requests;
    }

    public function overlap(): ?int
    {
        return $this->account->endpoint === 'classic' ? self::OVERLAP : null;
    }

    private function ask(bool $force, float $deadline): IssuedToken
    {
        [$id, $secret] = [$this->account->id, $this->account->secret];
        $granted = 'access_token';
        switch ($this->account->endpoint) {
            case 'stable':
                $body = JsonText::encode(['grant_type' => 'client_credential', 'appid' => $id, 'secret' => $secret, 'force_refresh' => $force]);
                return $this->http->ask('/cgi-bin/stable_token', $body, $granted, $secret, $deadline);
            case 'classic':
                $query = ['grant_type' => 'client_credential', 'appid' => $id, 'secret' => $secret];
                return $this->http->ask('/cgi-bin/token?' . http_build_query($query, '', '&'), null, $granted, $secret, $deadline);
        }
        $query = ['corpid' => $id, 'corpsecret' => $secret];
        return $this->http->ask('/cgi-bin/gettoken?' . http_build_query($query, '', '&'), null, $granted, $secret, $deadline);
    }
}
