<?php

namespace WxToken\Polyfill;

/**
 * The last failed refresh of a token file, in the form of the extension. Its times are those of the file system's
 * clock, which all who share the file have in common.
 */
final class FailureRecord
{
    /** The errcode of a failure for which WeChat gave none: what its interfaces say of the rejected token. */
    private const REJECTED = 40001;

    private const BACKOFF_FIRST = 1000;
    private const BACKOFF_MOST = 60000;
    private const MINUTE = 60000;

    /** The longest pause there is: WeChat blocks an address for a day (errcode 89506). */
    private const LONGEST_PAUSE = 24 * 3600 * 1000;

    /** A record from this far in the future of its own clock was written before that was set back. */
    private const SET_BACK = 60000;

    /** @var string As of a failure. */
    public $cause;
    /** @var string */
    public $text;
    /** @var int */
    public $errcode;
    /** @var int */
    public $failedAt;
    /** @var int Nobody asks the source before this moment. */
    public $retryAt;
    /** @var int Failures in a row, this one included. */
    public $failures;
    /** @var string|null Set when WeChat rejected this account: another account need not wait. */
    public $refusedAccount;
    /** @var string|null Set when another route might have led to a token. */
    public $route;

    /** The record of `$failure`, which came after `$previous`, at `$now`. */
    public static function of(Failure $failure, Requester $requester, ?self $previous, int $now): self
    {
        $previous = $previous !== null && $previous->concerns($requester) ? $previous : null;
        $record = new self();
        $record->cause = $failure->cause;
        $record->text = $failure->text;
        $record->errcode = $failure->errcode;
        $record->failedAt = $now;
        $record->failures = $previous === null ? 1 : $previous->failures + 1;
        $isAgain = $previous !== null && $previous->cause === Failure::API && $previous->errcode === $failure->errcode;
        switch ($failure->policy) {
            case Failure::BACKOFF:
                $doubled = self::BACKOFF_FIRST << min($record->failures - 1, 16);
                $record->retryAt = $now + min($doubled, self::BACKOFF_MOST);
                break;
            case Failure::NEXT_MINUTE:
            case Failure::NEXT_MINUTE_THEN:
                $isLong = $failure->policy === Failure::NEXT_MINUTE_THEN && $isAgain;
                $record->retryAt = $isLong ? $now + $failure->pause : (intdiv($now, self::MINUTE) + 1) * self::MINUTE;
                break;
            default:
                $record->retryAt = $now + $failure->pause;
        }
        $isAccount = $failure->policy === Failure::ACCOUNT_REFUSED;
        $record->refusedAccount = $isAccount ? $requester->account : null;
        // A whitelist is about the address from which WeChat was asked. Quotas are the account's.
        $isRoute = $isAccount || $failure->policy === Failure::ADDRESS_REFUSED || $failure->cause === Failure::NETWORK;
        $record->route = $isRoute ? $requester->route : null;
        return $record;
    }

    /** Reads what `toMembers()` or the extension wrote; null for anything else. */
    public static function fromMembers(array $members): ?self
    {
        $text = static function (string $key) use ($members): ?string {
            return is_string($members[$key] ?? null) ? $members[$key] : null;
        };
        $record = new self();
        $record->errcode = is_int($members['errcode'] ?? null) ? $members['errcode'] : 0;
        if (is_int($members['errcode'] ?? null)) {
            [$record->cause, $record->text] = [Failure::API, $text('errmsg')];
        } elseif (isset($members['still_rejected'])) {
            [$record->cause, $record->text] = [Failure::STILL_REJECTED, ''];
        } else {
            [$record->cause, $record->text] = [Failure::STORE, $text('store')];
            if ($record->text === null) {
                [$record->cause, $record->text] = [Failure::NETWORK, $text('network')];
            }
        }
        foreach (['failed_at_ms', 'retry_at_ms', 'failures'] as $key) {
            if (!is_int($members[$key] ?? null)) {
                return null;
            }
        }
        if ($record->text === null || $members['failures'] < 0) {
            return null;
        }
        $record->failedAt = $members['failed_at_ms'];
        $record->retryAt = min($members['retry_at_ms'], Clock::add($record->failedAt, self::LONGEST_PAUSE));
        $record->failures = $members['failures'];
        $record->refusedAccount = $text('refused_account');
        $record->route = $text('way');
        return $record;
    }

    /** @return array<string, mixed> */
    public function toMembers(): array
    {
        $causes = [
            Failure::API => ['errcode' => $this->errcode, 'errmsg' => $this->text],
            Failure::STILL_REJECTED => ['still_rejected' => true],
            Failure::NETWORK => ['network' => $this->text],
            Failure::STORE => ['store' => $this->text],
        ];
        $members = $causes[$this->cause];
        $members += ['failed_at_ms' => $this->failedAt, 'retry_at_ms' => $this->retryAt, 'failures' => $this->failures];
        $members += $this->refusedAccount === null ? [] : ['refused_account' => $this->refusedAccount];
        return $members + ($this->route === null ? [] : ['way' => $this->route]);
    }

    public function equals(?self $other): bool
    {
        return $other !== null && $this->toMembers() === $other->toMembers();
    }

    /** Whether `$requester` must not ask the source yet at `$now`, by a clock that may not be the record's. */
    public function forbids(Requester $requester, int $now): bool
    {
        return $this->failedAt <= $now && $this->forbidsByOwnClock($requester, $now);
    }

    public function forbidsByOwnClock(Requester $requester, int $now): bool
    {
        return $now < $this->retryAt && $this->failedAt <= Clock::add($now, self::SET_BACK) && $this->concerns($requester);
    }

    /** The record in this process's clock, from which that of the file system differs by `$offset`. */
    public function inOwnClock(int $offset): self
    {
        $record = clone $this;
        $record->failedAt -= $offset;
        $record->retryAt -= $offset;
        return $record;
    }

    /** Whether `$requester` would fail as this record says. */
    public function concerns(Requester $requester): bool
    {
        return ($this->refusedAccount === null || $this->refusedAccount === $requester->account)
            && ($this->route === null || $this->route === $requester->route);
    }

    /** The failure as a call on `$file` throws it, in the words of its source. */
    public function asProblem(string $file, Requester $requester): Problem
    {
        return $this->problem($file, $requester)->withEvent(array_diff_key($this->toEvent($requester), ['failures' => true]));
    }

    /** As exceptions have it. */
    public function errcode(): ?int
    {
        $errcodes = [Failure::API => $this->errcode, Failure::STILL_REJECTED => self::REJECTED];
        return $errcodes[$this->cause] ?? null;
    }

    /** @return array<string, mixed> The members of an event that ends with this failure of `$requester`. */
    public function toEvent(Requester $requester): array
    {
        return [
            'errcode' => $this->errcode(),
            'message' => Log::message($requester->describe($this)),
            'retry_at' => Log::time($this->retryAt),
            'failures' => $this->failures,
        ];
    }

    private function problem(string $file, Requester $requester): Problem
    {
        $wait = (int) ceil(max(0, $this->retryAt - Clock::now()) / 1000);
        $other = $this->refusedAccount !== null && !$requester->isLoader() ? ', or at once with another appid or secret' : '';
        $message = 'cannot refresh ' . Printable::text($file) . ': ' . $requester->describe($this) . "; next attempt in $wait s$other";
        $retryAt = Clock::secondsUp($this->retryAt);
        switch ($this->cause) {
            case Failure::API:
                return Problem::api($file, $message, $this->errcode, Printable::text($this->text), $retryAt);
            case Failure::STILL_REJECTED:
                return Problem::api($file, $message, self::REJECTED, '', $retryAt);
            case Failure::STORE:
                return Problem::file($file, $message);
        }
        return Problem::network($file, $message, $retryAt);
    }
}
