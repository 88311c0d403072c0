<?php

namespace WxToken\Polyfill;

/** What a call finds: the content of the file, and a token that this process could not store there. */
final class Lookup
{
    /** @var Snapshot */
    public $snapshot;
    /** @var Document */
    public $document;
    /** @var UnstoredToken|null */
    public $unstored;
    /** @var Call */
    private $call;

    public function __construct(Call $call, Snapshot $snapshot)
    {
        $this->call = $call;
        $this->snapshot = $snapshot;
        $this->document = $snapshot->document;
        // Who has moved the file away does not want its token any more.
        $this->unstored = $snapshot->version === null ? null : UnstoredToken::of($call->file, $this->document);
    }

    public function token(): ?Token
    {
        return $this->unstored === null ? $this->document->token : $this->unstored->token;
    }

    public function failure(): ?FailureRecord
    {
        return $this->document->state->failure ?? FailureRecords::of($this->call->file, $this->document);
    }

    /** The valid token, if it is another than `$rejected`. */
    public function usable(?string $rejected): ?Token
    {
        $token = $this->token();
        return $token !== null && $token->isValid(Clock::now()) && $token->value !== $rejected ? $token : null;
    }

    /** Whether the valid token is fresh and stored: then there is nothing to refresh. */
    public function isFresh(): bool
    {
        $token = $this->document->token;
        return $this->unstored === null && $token !== null && $token->isFresh(Clock::now(), $this->call->refreshAhead);
    }

    /** Whether the token has only just become due, or the file says not to refresh it yet. */
    public function isHeldOff(): bool
    {
        $token = $this->document->token;
        return $this->unstored === null && $token !== null
            && HoldOff::holds($token, $this->document->state->notBefore, $this->call->refreshAhead);
    }

    /**
     * The token that another call has stored since `$old` was the failure in the file.
     *
     * @throws Problem The failure that another call has stored since then.
     */
    public function answer(?string $rejected, ?FailureRecord $old, Requester $requester, Report $report): ?Token
    {
        $token = $this->usable($rejected);
        $failure = $this->failure();
        $problem = null;
        if ($token === null && $failure !== null && !$failure->equals($old) && $failure->concerns($requester)) {
            // It failed a moment ago, whatever the clock of the file system says.
            $problem = $failure->inOwnClock(Clock::offsetTo($failure->failedAt))->asProblem($this->call->file, $requester);
        }
        if ($token !== null || $problem !== null) {
            $report->add('waited', $requester, static function () use ($token, $problem): array {
                return Report::outcome($token, $problem);
            });
        }
        if ($problem !== null) {
            throw $problem;
        }
        return $token;
    }
}
