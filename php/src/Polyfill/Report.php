<?php

namespace WxToken\Polyfill;

/**
 * What happens in one call, for the log. What a refresh has to tell is written after it has released its lock: nobody waits
 * for a log.
 */
final class Report
{
    /** @var Call */
    private $call;
    /** @var float Since when the caller waits, by the monotonic clock. */
    private $since;
    /** @var array<array{string, int, array<string, mixed>}> */
    private $events = [];

    public function __construct(Call $call)
    {
        $this->call = $call;
        $this->since = Clock::monotonic();
    }

    /** Adds what has happened now, to what `$requester` asks for, if the log takes it. `$members` makes the other members. */
    public function add(string $event, ?Requester $requester, callable $members): void
    {
        if (Log::takes($event)) {
            $waited = ['waited_ms' => (int) ((Clock::monotonic() - $this->since) * 1000)];
            $this->events[] = [$event, Clock::now(), $waited + ($requester === null ? [] : $requester->toEvent()) + $members()];
        }
    }

    /** Adds that `$problem` has ended the wait for the lock, if it has. */
    public function addTimeout(Problem $problem, ?Requester $requester): void
    {
        if ($problem->isTimeout) {
            $this->add('lock_timeout', null, static function () use ($problem, $requester): array {
                return self::accountOf($requester) + $problem->toEvent() + ['holder_pid' => $problem->holderPid()];
            });
        }
    }

    /** Adds that an API has rejected the token `$rejected`, and what came of that. */
    public function addRejected(string $rejected, ?Requester $requester, ?Token $token, ?Problem $problem): void
    {
        $this->add('rejected', null, static function () use ($rejected, $requester, $token, $problem): array {
            return ['old' => Log::fingerprint($rejected)] + self::accountOf($requester) + self::outcome($token, $problem);
        });
    }

    /** How a call has ended. */
    public static function outcome(?Token $token, ?Problem $problem): array
    {
        return $problem !== null ? $problem->toEvent() : ($token === null ? [] : ['new' => Log::fingerprint($token->value)]);
    }

    public function write(): void
    {
        foreach ($this->events as [$event, $at, $members]) {
            Log::write($event, $this->call->file, $at, $members);
        }
        $this->events = [];
    }

    private static function accountOf(?Requester $requester): array
    {
        return $requester === null ? [] : array_intersect_key($requester->toEvent(), ['appid' => true]);
    }
}
