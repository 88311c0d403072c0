<?php

namespace WxToken\Command;

/** What the lines of a log say of one file, added up as they come. */
final class History
{
    /** @var array<string, int> */
    public $events;
    /** @var int */
    public $foreign = 0;
    /** @var float|null When another program was last seen to write the file. */
    public $lastForeign;
    /** @var string|null Its fingerprint. */
    private $lastForeignToken;
    /** @var array<string, int> Refreshes, by script. */
    public $scripts = [];
    /** @var array<string, int> Failures, by errcode or message. */
    public $failures = [];
    /** @var int */
    public $longestFetch = 0;
    /** @var int */
    public $longestWait = 0;
    /** @var int Milliseconds of all fetches. */
    private $fetchTime = 0;
    /** @var int */
    private $fetches = 0;
    /** @var float Seconds without a valid token. */
    public $gaps = 0.0;
    /** @var float|null */
    private $expiry;

    public function __construct()
    {
        $this->events = array_fill_keys(LogLine::EVENTS, 0);
    }

    /** Takes a line in, and returns for how many seconds there was no valid token before it. */
    public function add(LogLine $line): float
    {
        $this->events[$line->event]++;
        if ($line->isForeign || $line->event === 'displaced') {
            // Until it is replaced, each event tells of the same token.
            $token = $line->event === 'displaced' ? '' : $line->text('old');
            $this->foreign += $token !== '' && $token === $this->lastForeignToken ? 0 : 1;
            [$this->lastForeign, $this->lastForeignToken] = [$line->at, $token];
        }
        $fetch = $line->number('fetch_ms');
        if ($fetch !== null && $line->event !== 'waited') {
            $this->fetches++;
            $this->fetchTime += $fetch;
            $this->longestFetch = max($this->longestFetch, $fetch);
        }
        $this->longestWait = max($this->longestWait, $line->number('waited_ms') ?? 0);
        if ($line->event === 'failed') {
            $this->count($this->failures, $line->number('errcode') === null ? $line->text('message') : "errcode {$line->number('errcode')}");
        }
        if (!in_array($line->event, ['refreshed', 'adopted'], true)) {
            return 0.0;
        }
        if ($line->event === 'refreshed') {
            $this->count($this->scripts, $line->text('script') === '' ? $line->text('sapi') : $line->text('script'));
        }
        $gap = $this->expiry === null ? 0.0 : max(0.0, $line->at - $this->expiry);
        $this->gaps += $gap;
        $this->expiry = $line->time('expires_at') ?? $this->expiry;
        return $gap;
    }

    public function averageFetch(): ?int
    {
        return $this->fetches === 0 ? null : intdiv($this->fetchTime, $this->fetches);
    }

    /** Counts by a name from outside: so many names, and no more, are kept. */
    private function count(array &$counts, string $name): void
    {
        $name = Text::clean($name, 200);
        if (isset($counts[$name]) || count($counts) < 50) {
            $counts[$name] = ($counts[$name] ?? 0) + 1;
        }
    }

    public function toArray(): array
    {
        return [
            'events' => $this->events, 'failures' => (object) $this->failures, 'scripts' => (object) $this->scripts,
            'foreign' => $this->foreign, 'average_fetch_ms' => $this->averageFetch(), 'longest_fetch_ms' => $this->longestFetch,
            'longest_wait_ms' => $this->longestWait, 'without_token_s' => round($this->gaps, 3),
        ];
    }
}
