<?php

namespace WxToken\Polyfill;

/**
 * One refresh under a lock: it reads the file again, and fetches only if nobody else has a token by now. Then it
 * stores the token, or records the failure for all who wait. A token that cannot be stored is kept in this process.
 */
final class Refresh
{
    /** @var Call */
    private $call;
    /** @var Lock */
    private $lock;
    /** @var Source */
    private $source;
    /** @var Requester */
    private $requester;
    /** @var Document The content under the lock. */
    private $document;
    /** @var Write */
    private $write;
    /** @var Report */
    private $report;

    public function __construct(Call $call, Lock $lock, Source $source, Report $report)
    {
        $this->report = $report;
        $this->call = $call;
        $this->lock = $lock;
        $this->source = $source;
        $this->requester = $source->requester();
    }

    /** Renews a due token, unless another call has done so or it is too soon; null then. */
    public function renew(): ?Token
    {
        [$found, $leftovers] = $this->look();
        if ($found->isFresh()) {
            return $found->document->token;
        }
        $failure = $found->failure();
        $isForbidden = $failure !== null && $failure->forbids($this->requester, Clock::now());
        if ($found->isHeldOff() || $isForbidden || Protocol::isRecent($leftovers->interruptedAt)) {
            return null;
        }
        $unstored = $found->unstored;
        $isNewest = $unstored !== null && !$unstored->isSuperseded && $unstored->token->isFresh(Clock::now(), $this->call->refreshAhead);
        $displaced = null;
        return $this->run($leftovers, null, $isNewest ? $unstored : null, $displaced);
    }

    /**
     * A token other than `$rejected`. Null if the file was replaced meanwhile: `$displaced` then is the token, which is
     * not stored.
     *
     * @throws Problem Also if another refresh has failed since `$old` was the last failure.
     */
    public function obtain(?string $rejected, ?FailureRecord $old, ?UnstoredToken &$displaced): ?Token
    {
        [$found, $leftovers] = $this->look();
        $token = $found->answer($rejected, $old, $this->requester, $this->report);
        return $token ?? $this->run($leftovers, $rejected, $displaced, $displaced);
    }

    /** @return array{Lookup, Leftovers} What is there under the lock. */
    private function look(): array
    {
        $found = $this->call->lookUpAt($this->lock->path);
        $leftovers = Leftovers::scan($this->lock->path);
        $overlap = $this->source->overlap();
        if ($overlap === null || $leftovers->interruptedAt === null) {
            return [$found, $leftovers];
        }
        // Nothing tells whether WeChat has answered the refresh that was cut off: the token may end with the overlap.
        $this->document = $found->document;
        $this->write = Write::prepare($this->lock, $leftovers);
        if ($this->shortenExpiry($leftovers->interruptedAt + $overlap)) {
            $this->report->add('interrupted', $this->requester, static function (): array {
                return [];
            });
            return [$this->call->lookUpAt($this->lock->path), Leftovers::scan($this->lock->path)];
        }
        return [$found, $leftovers];
    }

    private function run(Leftovers $leftovers, ?string $rejected, ?UnstoredToken $known, ?UnstoredToken &$displaced): ?Token
    {
        $found = $this->call->lookUpAt($this->lock->path);
        $this->document = $found->document;
        $this->write = Write::prepare($this->lock, $leftovers);
        try {
            if ($known !== null) {
                return $this->store($known->token, $known->askedAt, 'stored', [], $displaced);
            }
            $this->heedFailure($found->failure());
            return $this->fetchAndStore($rejected, $found->failure(), $displaced);
        } finally {
            $this->write->abandon();
        }
    }

    private function fetchAndStore(?string $rejected, ?FailureRecord $last, ?UnstoredToken &$displaced): ?Token
    {
        $began = Clock::monotonic();
        $askedBefore = $this->source->requests();
        $event = function () use ($began, $askedBefore): array {
            $requests = $this->source->requests() - $askedBefore;
            return ['requests' => $requests > 0 ? $requests : null, 'fetch_ms' => (int) ((Clock::monotonic() - $began) * 1000)];
        };
        try {
            try {
                $issued = $this->source->fetch($rejected);
            } finally {
                $event = $event();
            }
            $this->checkFork();
            if ($issued->value === $rejected) {
                throw Failure::stillRejected();
            }
            if (!$this->document->canHold($issued->value)) {
                throw Failure::network('the layout of the file cannot hold the new token, which is short or has unusual characters. Use a new file in JSON');
            }
        } catch (Failure $failure) {
            $this->checkFork();
            return $this->recordFailure($failure, $rejected, $last, $event);
        } catch (Problem $problem) {
            // A ticket's request was sent, and there is no other access token for the next one.
            if ($event['requests'] !== null) {
                $this->report->add('failed', $this->requester, static function () use ($event, $problem): array {
                    return ['message' => Log::message($problem->getMessage())] + $event;
                });
            }
            throw $problem;
        }
        // By the clock as it is after the answer: it may have been set during the fetch.
        $askedAt = Clock::now() - (int) ((Clock::monotonic() - $began) * 1000);
        return $this->store($issued->askedAt($askedAt), $askedAt, 'refreshed', $event, $displaced);
    }

    /** Stores a token, and reports that as `$event`, with the `$members` about its fetch. */
    private function store(Token $token, int $askedAt, string $event, array $members, ?UnstoredToken &$displaced): ?Token
    {
        $why = null;
        $stored = $this->tryStore($token, $askedAt, $displaced, $why);
        $event = $stored === null ? 'displaced' : ($why === null ? $event : 'not_stored');
        $this->report->add($event, $this->requester, function () use ($token, $why, $members): array {
            return [
                'old' => $this->oldFingerprint(), 'new' => Log::fingerprint($token->value), 'expires_at' => Log::time($token->expiry),
                'message' => $why === null ? null : Log::message($why),
            ] + $members;
        });
        return $stored;
    }

    /** Also `$why` the token is not stored, if this process keeps it. */
    private function tryStore(Token $token, int $askedAt, ?UnstoredToken &$displaced, ?string &$why): ?Token
    {
        $content = $this->document->withToken($token, $askedAt, HoldOff::ofNew($token, $this->call->refreshAhead));
        $this->write->fill($content);
        try {
            if ($this->changed() === null) {
                $this->write->commit($content);
                UnstoredToken::forget($this->lock->path);
                FailureRecords::forget($this->lock->path);
                return $token;
            }
            $isDisplaced = true;
        } catch (\RuntimeException $error) {
            $isDisplaced = !$this->lock->isCurrent();
            $reason = $error->getMessage();
        }
        if ($isDisplaced) {
            $displaced = new UnstoredToken($token, $askedAt, null, 0, null);
            return null;
        }
        $why = FileProblem::of($this->lock->path, 'write', $reason)->getMessage();
        return $this->keepUnstored($token, $askedAt, FileProblem::reasonOf($this->lock->path, 'write', $reason));
    }

    /** Keeps a token that could not be stored, and records that for others: a fetch of theirs would be in vain. */
    private function keepUnstored(Token $token, int $askedAt, string $reason): Token
    {
        $record = FailureRecord::of(Failure::store($reason), $this->requester, $this->document->state->failure, Clock::now());
        $this->commitFailure($record);
        $insteadOf = $this->document->token === null ? null : $this->document->token->value;
        UnstoredToken::keep($this->lock->path, new UnstoredToken($token, $askedAt, $insteadOf, $record->failedAt, $this->source->overlap()));
        error_log('wx_token: a new token could not be stored: cannot write ' . Printable::text($this->lock->path) . ': '
            . Printable::text($reason) . '. Until it is stored, only this process has it');
        return $token;
    }

    private function recordFailure(Failure $failure, ?string $rejected, ?FailureRecord $last, array $event): Token
    {
        $offset = $this->offset();
        $record = FailureRecord::of($failure, $this->requester, $last, Clock::now() + $offset);
        $told = $record->inOwnClock($offset);
        $this->report->add('failed', $this->requester, function () use ($told, $event): array {
            return ['old' => $this->oldFingerprint()] + $told->toEvent($this->requester) + $event;
        });
        $change = $this->changed();
        if ($change instanceof Token && $change->value !== $rejected) {
            return $change;
        }
        if ($change === null) {
            $this->commitFailure($record);
        }
        throw $told->asProblem($this->call->file, $this->requester);
    }

    private function oldFingerprint(): ?string
    {
        return $this->document->token === null ? null : Log::fingerprint($this->document->token->value);
    }

    /** Records the failure where there is room for it: in the file, or in this process. */
    private function commitFailure(FailureRecord $record): void
    {
        $content = $this->document->withFailure($record);
        try {
            if ($content !== null) {
                $this->write->fill($content);
                $this->write->commit($content);
                return;
            }
        } catch (\RuntimeException $error) {
            // It stays with this process.
        }
        FailureRecords::keep($this->lock->path, $record);
    }

    /** Stores that the file's own token expires at `$until`, if that is earlier. Whether it is. */
    private function shortenExpiry(int $until): bool
    {
        $expiry = $until - $this->offset();
        $token = $this->document->token;
        if ($token === null || $expiry >= $token->expiry) {
            return false;
        }
        $content = $this->document->withExpiry($token->until($expiry));
        $this->write->fill($content);
        try {
            if ($this->changed() !== null) {
                return false;
            }
            $this->write->commit($content);
        } catch (\RuntimeException $error) {
            return false;
        } finally {
            $this->write->abandon();
        }
        error_log('wx_token: the process ended during a refresh of ' . Printable::text($this->call->file)
            . ', and the new token is lost; wx_token fetches another one. If php-fpm ended the process, set process_control_timeout (README)');
        return true;
    }

    /** A caller whose clock differs from that of the file system has not yet understood what the last failure forbids. */
    private function heedFailure(?FailureRecord $record): void
    {
        $offset = $this->offset();
        if ($record !== null && $record->forbidsByOwnClock($this->requester, Clock::now() + $offset)) {
            throw $record->inOwnClock($offset)->asProblem($this->call->file, $this->requester);
        }
    }

    /** What a program without the lock has done to the file: a valid token, true if it was replaced, or null for nothing. */
    private function changed()
    {
        $current = Snapshot::readResolved($this->lock->path, $this->call->kind, $this->call->layout)->document->token;
        // Only if the file is still at its path, what was read is its content.
        if (!$this->lock->isCurrent()) {
            return true;
        }
        $isNew = $current !== null && $current->isValid(Clock::now()) && !$current->equals($this->document->token);
        return $isNew ? $current : null;
    }

    private function offset(): int
    {
        $stamp = $this->write->stamp();
        return $stamp === null ? 0 : Clock::offsetTo($stamp);
    }

    /** A loader may have forked: the refresh is the parent's. */
    private function checkFork(): void
    {
        if ($this->lock->isInherited()) {
            throw Problem::lock(
                $this->call->file,
                'this process was forked while its parent held the lock, so only the parent can store the token. Call exit() in the child before the loader returns',
                getmypid()
            );
        }
    }
}
